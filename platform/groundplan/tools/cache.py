"""The cache outside the checkout: where it lies, and how two processes fill it without hurting each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from groundplan.tools.progress import say


def cache_root() -> Path:
    """``$GROUNDPLAN_CACHE``, else ``$XDG_CACHE_HOME/groundplan``, else ``~/.cache/groundplan``."""
    if own := os.environ.get("GROUNDPLAN_CACHE"):
        return Path(own).absolute()
    shared = os.environ.get("XDG_CACHE_HOME")
    return (Path(shared) if shared else Path.home() / ".cache").absolute() / "groundplan"


@contextmanager
def locked(entry: Path, what: str) -> Iterator[None]:
    """Hold the lock of one cache entry. A second process waits, says for what, and finds the entry made."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(entry.parent / f".{entry.name}.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"another process is getting {what}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
