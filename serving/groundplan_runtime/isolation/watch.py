"""A process and all that it starts, watched and ended as one: memory, time, and nothing left behind.

Whatever the run starts stays below its keeper, also what leaves its session: the keeper is a subreaper, to whom the
kernel gives orphans. So "all of the run" is "all descendants", whatever they do.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psutil

from groundplan_runtime.isolation.limits import Limits

#: Seconds between two looks.
PERIOD = 0.1
#: Looks with nobody left after which nobody is left.
QUIET = 3
MIB = 2**20
_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Ended:
    """How a run ended: its exit code, the most memory it used (MiB), its time (s); and the limit that ended it."""

    code: int
    peak_mb: int
    seconds: float
    exceeded: str | None = None


def run(command: Sequence[str], environment: Mapping[str, str], folder: str, limits: Limits) -> Ended:
    """Run a command in its own session below us, within limits; all of it has ended when this returns."""
    _adopt_orphans()
    began, peak = time.monotonic(), 0
    child = subprocess.Popen(
        list(command), env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True
    )
    exceeded = None
    try:
        while (code := child.poll()) is None and exceeded is None:
            peak = max(peak, memory_mb())
            exceeded = _exceeded(limits, peak, time.monotonic() - began)
            if exceeded is None:
                _nap(child)
    finally:
        end_all()
    return Ended(child.wait() if code is None else code, peak, time.monotonic() - began, exceeded)


def _nap(child: "subprocess.Popen[bytes]") -> None:
    try:
        child.wait(PERIOD)
    except subprocess.TimeoutExpired:
        return


def _exceeded(limits: Limits, peak: int, seconds: float) -> str | None:
    if peak > limits.memory_mb:
        return "memory_mb"
    return "timeout" if seconds > limits.seconds else None


def memory_mb() -> int:
    """Return the memory of all descendants in MiB: what several share is counted once (PSS)."""
    return sum(_memory(process) for process in psutil.Process().children(recursive=True)) // MIB


def _memory(process: psutil.Process) -> int:
    try:
        return int(process.memory_full_info().pss)
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    except (psutil.Error, OSError, AttributeError):
        return 0


def end_all() -> None:
    """Kill every descendant, and those that they start meanwhile, until there are none."""
    quiet = 0
    while quiet < QUIET:
        found = psutil.Process().children(recursive=True)
        quiet = 0 if found else quiet + 1
        for process in found:
            try:
                process.send_signal(signal.SIGKILL)
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(found, timeout=PERIOD)


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
