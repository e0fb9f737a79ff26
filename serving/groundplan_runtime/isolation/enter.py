"""A run's first step: takes on its limits, gives up every file, port and socket but its own, then does the job.

``python -m groundplan_runtime.isolation.enter``; ``GROUNDPLAN_RUN`` names the file that says what the run keeps.
"""

import contextlib
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

from groundplan_runtime.isolation import capabilities, landlock, seccomp

VARIABLE = "GROUNDPLAN_RUN"
#: What every program needs to read; and the devices that it may write to.
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib64", "/etc", "/opt", "/proc", "/sys", "/dev")
DEVICES = ("/dev/null", "/dev/zero", "/dev/shm", "/dev/tty")  # noqa: S108 - shared memory, not a file of ours
_DEATH_SIGNAL = 1


def main() -> int:
    """Enter, and do the job; its exit code."""
    keep = json.loads(Path(os.environ[VARIABLE]).read_text())
    _end_with_keeper()
    _take_cpus(int(keep["cpus"]))
    if keep["ports"] is not None:
        apart(keep)
    from groundplan_runtime.jobs.run import main as job

    return job()


def apart(keep: dict[str, Any]) -> None:
    """Give up all files and ports but those that are kept; says so where this kernel cannot."""
    gpus = (str(each) for each in Path("/dev").glob("nvidia*"))
    read = [*SYSTEM, sys.prefix, sys.base_prefix, *(each for each in sys.path if each), *keep["read"]]
    write = [*DEVICES, *gpus, *keep["write"]]
    capabilities.drop()
    if landlock.restrict(map(Path, read), map(Path, write), keep["ports"]) == 0:
        print("this kernel has no Landlock: the run could read the files of its user", file=sys.stderr)  # noqa: T201
    if not seccomp.without_unix_sockets():
        print("this kernel filters no calls: the run could use local sockets of its user", file=sys.stderr)  # noqa: T201


def _end_with_keeper() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        # When the machine is out of memory, a run goes before any service does.
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")


def _take_cpus(cpus: int) -> None:
    """Run on so many CPUs, other ones than the last run was given."""
    if not hasattr(os, "sched_setaffinity"):
        return
    known = sorted(os.sched_getaffinity(0))
    first = os.getpid() % len(known)
    os.sched_setaffinity(0, {known[(first + each) % len(known)] for each in range(min(cpus, len(known)))})


if __name__ == "__main__":
    sys.exit(main())
