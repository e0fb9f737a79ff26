"""What a run may use: CPUs, memory, time. Declared with what the run makes."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: What a run may use where nothing is declared.
CPUS, MEMORY_MB, TIMEOUT = 1, 2048, "30m"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


@dataclass(frozen=True)
class Limits:
    """CPUs (cores), memory (MiB, of all its processes together) and time (as declared, and in seconds)."""

    cpus: int
    memory_mb: int
    timeout: str
    seconds: float

    @classmethod
    def of(cls, declared: Mapping[str, Any]) -> "Limits":
        """Read ``{"cpus", "memory_mb", "timeout"}``; what is missing is as where nothing is declared."""
        timeout = str(declared.get("timeout") or TIMEOUT)
        found = re.fullmatch(r"([0-9]+)([smhdw])", timeout)
        if found is None:
            raise ValueError(f"{timeout!r} is no duration")
        seconds = float(int(found[1]) * _SECONDS[found[2]])
        return cls(int(declared.get("cpus") or CPUS), int(declared.get("memory_mb") or MEMORY_MB), timeout, seconds)


def threads(cpus: int) -> dict[str, str]:
    """Return the variables by which numerical libraries start no more threads than there are CPUs for them."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_NUM_THREADS")
    # Threads that wait spin by default: on a busy machine that made a training five times as long.
    return dict.fromkeys(names, str(cpus)) | {"OMP_WAIT_POLICY": "PASSIVE"}
