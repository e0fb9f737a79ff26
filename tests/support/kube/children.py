"""Programs that a test ground starts: each with a log, each ended by its own process id, whatever happens."""

import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from groundplan.errors import ToolError

FOUND = TypeVar("FOUND")
POLL = 0.1


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nothing listens at. All are held until all are found, so that they differ."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]
    finally:
        for each in sockets:
            each.close()


def until(look: Callable[[], FOUND | None], what: str, seconds: float) -> FOUND:
    """Return what ``look`` finds as soon as it is neither None nor False; ToolError naming ``what`` after the time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise ToolError(f"{what}: not so after {seconds:.0f} s")
        time.sleep(POLL)


@dataclass
class Children:
    """The running programs of one test ground; ``folder`` takes their logs (``<name>.log``)."""

    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: Sequence[str | Path], prefix: Iterable[str] = ()) -> None:
        """Start a program in a session of its own. ``prefix`` is a command to run it under."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            words = [*prefix, *map(str, command)]
            self.running[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, env=_environment()
            )

    def check(self) -> None:
        """Raise ToolError with the end of its log when one of them has ended by itself."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise ToolError(f"{name} ended with {process.returncode}: {self.last_line(name)}")

    def last_line(self, name: str) -> str:
        """The last line of a program's log."""
        lines = (self.folder / f"{name}.log").read_text(errors="replace").strip().splitlines()
        return f"{lines[-1][:400] if lines else 'it said nothing'} ({self.folder / name}.log)"

    def stop(self, name: str, seconds: float = 10.0) -> None:
        """End one program, kindly first."""
        process = self.running.pop(name)
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self) -> None:
        """End all, the last one started first."""
        for name in reversed(list(self.running)):
            self.stop(name)


def _environment() -> dict[str, str]:
    # A proxy of the machine's must not come between programs on loopback.
    return {key: value for key, value in os.environ.items() if not key.lower().endswith("_proxy")}
