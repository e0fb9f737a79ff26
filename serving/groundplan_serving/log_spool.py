"""The prediction log's spool: a folder of Parquet files on their way to the object store.

Each writer (a process's log) holds a lock on a file of its own. The files of a writer whose lock is free are those of a
process that ended: whoever takes the lock puts them. A file keeps its name in the object store, so that putting it
twice changes nothing.
"""

import fcntl
import os
import uuid
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO, Any

from groundplan_runtime import prediction_files, storage

#: Seconds for a connect to the object store, and for an answer.
CONNECT, ANSWER = 2.0, 10.0


class Spool:
    """One writer's part of the folder, and what ended writers left there. For one thread, but for :meth:`write`."""

    def __init__(self, folder: Path, target: str) -> None:
        # Here, not at the first write: that may be at exit, when Python imports no more. An array brings pandas.
        import pyarrow.fs
        import pyarrow.parquet

        pyarrow.array([0])
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder, self._target = folder, target
        self._writer = uuid.uuid4().hex[:16]
        self._number = 0
        self._locks: dict[str, IO[str]] = {}
        self._begin()

    def write(self, day: str, hour: str, table: Any) -> None:
        """Write one file, whole or not at all. Raises OSError (a full disk)."""
        import pyarrow.parquet as pq

        self._number += 1
        name = prediction_files.file_name(self._writer, self._number, table.num_rows)
        path = self._folder / f"{day}_{hour}_{name}"
        half = path.with_suffix(".half")
        try:
            pq.write_table(table, half, compression="zstd")
            half.rename(path)
        except OSError:
            half.unlink(missing_ok=True)
            raise

    def files(self) -> list[Path]:
        """Return the files to put: ours and those of writers that ended, by hour."""
        self._adopt()
        found = [path for path in self._folder.glob("*.parquet") if _writer_of(path) in self._locks]
        return sorted(found, key=lambda path: path.name)

    def put(self, path: Path) -> int:
        """Put one file to the object store and remove it; return its rows. Raises OSError."""
        day, hour, name = path.name.split("_", 2)
        _upload(path, f"{self._target}/date={day}/hour={hour}/{name}")
        return self.drop(path)

    def drop(self, path: Path) -> int:
        """Remove a file; return its rows."""
        path.unlink()
        return prediction_files.rows_in(path.name)

    def close(self) -> None:
        """Let go of every lock; what is left is the next writer's."""
        left = {_writer_of(path) for path in self._folder.glob("*.parquet")}
        for writer, lock in self._locks.items():
            if writer not in left:
                self._lock(writer).unlink(missing_ok=True)
            lock.close()
        self._locks.clear()

    def _begin(self) -> None:
        """Make our lock, locked before anyone sees it: another writer would take it for that of one that ended."""
        unseen = self._folder / f"{self._writer}.new"
        lock = unseen.open("a")
        fcntl.flock(lock, fcntl.LOCK_EX)
        unseen.rename(self._lock(self._writer))
        self._locks[self._writer] = lock

    def _adopt(self) -> None:
        """Take the files of writers that ended; half-written ones are removed."""
        for path in self._folder.glob("*.lock"):
            if path.stem not in self._locks and self._take(path):
                for half in self._folder.glob(f"*_{path.stem}-*.half"):
                    half.unlink(missing_ok=True)

    def _take(self, path: Path) -> bool:
        try:
            lock = path.open("a")
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._locks[path.stem] = lock
        return True

    def _lock(self, writer: str) -> Path:
        return self._folder / f"{writer}.lock"


def over(files: list[Path], most_bytes: int) -> Iterator[Path]:
    """Yield the oldest of the files, as many as are too much."""
    sizes = [path.stat().st_size for path in files]
    rest = sum(sizes)
    for path, size in zip(files, sizes, strict=True):
        if rest <= most_bytes:
            return
        rest -= size
        yield path


def _writer_of(path: Path) -> str:
    return path.name.split("_", 2)[2].partition("-")[0]


def _upload(path: Path, uri: str) -> None:
    files = _store(os.environ.get(storage.ENDPOINT, ""))
    try:
        with files.open_output_stream(uri.removeprefix("s3://")) as stream:
            stream.write(path.read_bytes())
    except OSError:
        _store.cache_clear()  # with its connections and credentials: the next try begins anew
        raise


@cache
def _store(_: str) -> Any:
    return storage.filesystem("s3://", connect_timeout=CONNECT, request_timeout=ANSWER)[0]
