"""Tell people what is being got, how much of it and how long: a live line on a terminal, plain lines elsewhere."""

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.status import Status

#: Everything here goes to standard error: standard output belongs to what was asked for.
console = Console(stderr=True, highlight=False)


def say(text: str) -> None:
    """Print one line."""
    if console.is_terminal:
        console.print(text, soft_wrap=True, markup=False)
    else:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def megabytes(size: int) -> str:
    """``size`` in bytes as a short text."""
    return f"{size / 1e6:.1f} MB" if size < 1e7 else f"{size / 1e6:.0f} MB"


def size_of(folder: Path) -> int:
    """Bytes of all files below ``folder``; files that vanish while looking count as nothing."""
    total = 0
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except FileNotFoundError:
            continue
        total += status.st_size
    return total


@contextmanager
def step(what: str, size: Callable[[], int]) -> Iterator[None]:
    """Announce ``what``, show the growing ``size`` (bytes) while it runs, and say how long and how much at its end."""
    start = time.monotonic()
    if not console.is_terminal:
        say(f"{what} …")
        yield
    else:
        with console.status(what) as status, _ticking(status, what, size, start):
            yield
    say(f"{what}: done ({time.monotonic() - start:.0f} s, {megabytes(size())})")


@contextmanager
def _ticking(status: Status, what: str, size: Callable[[], int], start: float) -> Iterator[None]:
    stop = threading.Event()

    def tick() -> None:
        while not stop.wait(1.0):
            status.update(f"{what} … {megabytes(size())}, {time.monotonic() - start:.0f} s")

    thread = threading.Thread(target=tick, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
