"""A contender's processes: started on CPUs of their own, found by a mark that all inherit, counted, ended."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psutil

from groundplan.local import processes

READY = 240.0
#: Ray gives a machine that is busy with other work 30 seconds to start.
PATIENT = {"RAY_raylet_start_wait_time_s": "120"}


class ContenderFailed(Exception):
    """A contender that does not start, or answers otherwise than the first."""


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass(frozen=True)
class Cores:
    """CPUs of the contender and of everything else (the generator and the stores), as taskset names them."""

    contender: str
    others: str

    @classmethod
    def of_machine(cls) -> "Cores":
        """The first CPU for the contender, the rest for the others; the same where there is one."""
        every = sorted(os.sched_getaffinity(0))
        return cls(str(every[0]), ",".join(map(str, every[1:] or every)))


def pin(chosen: Sequence[psutil.Process], cpus: str) -> None:
    """Keep processes, with all their threads, to some CPUs; one that has ended is left out."""
    for process in chosen:
        subprocess.run(["taskset", "-acp", cpus, str(process.pid)], capture_output=True)


@dataclass
class Group:
    """All processes that run for one contender, below one folder."""

    folder: Path
    name: str
    cores: Cores
    _started: list["subprocess.Popen[bytes]"] = field(default_factory=list)

    def start(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start one; what it says goes to ``<folder>/<name>.log``."""
        marks = {processes.FOLDER: str(self.folder), processes.SERVICE: self.name, **processes.LEGIBLE}
        env = {**processes.clean_environment(), **PATIENT, **environment, **marks}
        with (self.folder / f"{self.name}.log").open("ab") as log:
            given = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "cwd": self.folder}
            self._started.append(subprocess.Popen(command, env=env, start_new_session=True, **given))  # type: ignore[call-overload]

    def await_(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready. ContenderFailed, with its last words, when it ends or takes too long."""
        end = time.monotonic() + READY
        while time.monotonic() < end:
            if any(each.poll() not in (None, 0) for each in self._started):
                break
            with contextlib.suppress(httpx.HTTPError):
                if ready():
                    return
            time.sleep(0.25)
        raise ContenderFailed(f"{self.name} does not get ready: {self._last_words()}")

    def pin(self) -> None:
        """Keep it to its CPUs from now on (it starts on all: Ray gives up when that takes too long)."""
        pin(processes.of_folder(self.folder, self.name), self.cores.contender)

    def _last_words(self) -> str:
        lines = (self.folder / f"{self.name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-60:])

    def cpu_seconds(self) -> float:
        """Return the CPU seconds that all its processes have taken."""
        total = 0.0
        for process in processes.of_folder(self.folder, self.name):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                total += times.user + times.system
        return total

    def memory_mb(self) -> float:
        """Return its proportional memory in MiB."""
        total = 0.0
        for process in processes.of_folder(self.folder, self.name):
            with contextlib.suppress(psutil.Error):
                total += process.memory_full_info().pss / 2**20
        return total

    def stop(self) -> None:
        """End everything, at the latest by force."""
        processes.end(processes.of_folder(self.folder, self.name), patience=10)
        for each in self._started:
            each.wait()


@contextlib.contextmanager
def group(folder: Path, name: str, cores: Cores) -> Iterator[Group]:
    """A group that is ended however the block is left."""
    made = Group(folder, name, cores)
    try:
        yield made
    finally:
        made.stop()
