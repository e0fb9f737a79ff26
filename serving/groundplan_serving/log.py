"""Predictions as they were answered, to the object store: what monitoring, audit and skew checks read.

Answers wait in memory (bounded), are written as Parquet to a spool folder every few seconds, and from there put to the
object store, each file under a name of its own, so that a second try changes nothing. While the store is down the
spool grows (bounded too); what had to be left out is counted. A process that was killed leaves its spool to the next.
"""

import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import structlog

from groundplan_runtime import prediction_files
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_serving.log_table import table_of

log = structlog.get_logger()

#: Rows that wait in memory at most; seconds between two writes; bytes of the spool at most.
MOST_ROWS, SECONDS, SPOOL_BYTES = 200_000, 2.0, 512 * 2**20
#: Seconds that a stop may take to put what is left; it stays in the spool otherwise.
GRACE = 5.0


@dataclass(frozen=True)
class Served:
    """One request's answer by one pair version. ``at`` is in unix seconds; ``role`` is ``answer`` or ``shadow``.

    ``keys`` are the entities' join keys by name, ``latency_ms`` milliseconds by tier.
    """

    request_id: str
    at: float
    alias: str
    version: int
    role: str
    keys: dict[str, list[Any]]
    block: Block
    predictions: Any
    latency_ms: dict[str, float]


@dataclass
class Stats:
    """Rows: taken in, put to the object store, left out for want of room; and files that wait in the spool."""

    added: int = 0
    written: int = 0
    dropped: int = 0
    spooled_files: int = 0


class PredictionLog:
    """Keeps what one application answers. ``add`` never blocks; one thread of its own does the rest."""

    def __init__(
        self,
        runtime: Runtime,
        project: str,
        application: str,
        *,
        most_rows: int = MOST_ROWS,
        seconds: float = SECONDS,
        spool_bytes: int = SPOOL_BYTES,
    ) -> None:
        self._prefix = prediction_files.folder(runtime.bucket, project, application)
        self._spool = runtime.data_dir / "spool" / "predictions" / project / application
        self._spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._most_rows, self._seconds, self._spool_bytes = most_rows, seconds, spool_bytes
        self._writer = f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._number = 0
        self._waiting: deque[Served] = deque()
        self._waiting_rows = 0
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = False
        self._stats = Stats()
        self._told = 0.0
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()

    def add(self, served: Served) -> None:
        """Take one answer in; where there is no room it is left out and counted. Never blocks."""
        with self._lock:
            if self._closing or self._waiting_rows + served.block.rows > self._most_rows:
                self._stats.dropped += served.block.rows
                return
            self._waiting.append(served)
            self._waiting_rows += served.block.rows
            self._stats.added += served.block.rows
            full = self._waiting_rows > self._most_rows // 2
        if full:
            self._wake.set()

    def stats(self) -> dict[str, int]:
        """Return the counts of :class:`Stats`."""
        with self._lock:
            return asdict(self._stats)

    def close(self) -> None:
        """Write what is left: to the object store, or to the spool when that does not answer in time."""
        self._closing = True
        self._wake.set()
        self._thread.join(timeout=GRACE + self._seconds)

    def _work(self) -> None:
        while not self._closing:
            self._wake.wait(self._seconds)
            self._wake.clear()
            self._write()
            self._put()
        self._write()
        self._put(until=time.monotonic() + GRACE)

    def _write(self) -> None:
        """Write what waits in memory to the spool, a file for each set of columns."""
        with self._lock:
            taken, self._waiting, self._waiting_rows = self._waiting, deque(), 0
        groups: dict[Any, list[Served]] = {}
        for each in taken:
            groups.setdefault((each.block.names, *each.block.texts, "", *each.block.times), []).append(each)
        for served in groups.values():
            self._write_one(served)

    def _write_one(self, served: Sequence[Served]) -> None:
        import pyarrow.parquet as pq

        begun = datetime.fromtimestamp(served[0].at, UTC)
        rows = sum(each.block.rows for each in served)
        self._number += 1
        name = prediction_files.file_name(self._writer, self._number, rows)
        path = self._spool / f"date={begun:%Y-%m-%d}" / f"hour={begun:%H}" / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        half = path.with_suffix(".half")
        try:
            pq.write_table(table_of(served), half, compression="zstd")
            half.rename(path)
        except OSError as error:  # a full disk: serving goes on, and says so
            half.unlink(missing_ok=True)
            self._leave_out(rows, f"cannot write {path}: {error.strerror}")

    def _put(self, until: float | None = None) -> None:
        """Put the spool's files to the object store, oldest first, those of writers that are gone too."""
        files = self._mine()
        for path in files:
            if until is not None and time.monotonic() > until:
                break
            try:
                _upload(path, f"{self._prefix}/{path.relative_to(self._spool)}")
            except OSError as error:
                self._tell(f"the object store takes no predictions now: {error}")
                break
            self._stats.written += _rows(path)
            path.unlink()
        left = [path for path in files if path.exists()]
        self._stats.spooled_files = len(left)
        self._bound(left)

    def _mine(self) -> list[Path]:
        found = sorted(self._spool.rglob("*.parquet"), key=lambda path: (path.stat().st_mtime_ns, path.name))
        return [path for path in found if path.name.startswith(self._writer) or not _alive(path)]

    def _bound(self, left: list[Path]) -> None:
        sizes = {path: path.stat().st_size for path in left}
        over = sum(sizes.values()) - self._spool_bytes
        for path in left:
            if over <= 0:
                return
            over -= sizes[path]
            self._leave_out(_rows(path), f"the spool is full ({self._spool_bytes} bytes): the oldest goes")
            path.unlink()

    def _leave_out(self, rows: int, why: str) -> None:
        with self._lock:
            self._stats.dropped += rows
        self._tell(why)

    def _tell(self, what: str) -> None:
        """Log once a minute at most."""
        if time.monotonic() - self._told > 60 or not self._told:
            self._told = time.monotonic()
            log.warning("prediction log", what=what, **self.stats())


def _upload(path: Path, uri: str) -> None:
    from groundplan_runtime import storage

    storage.write_bytes(uri, path.read_bytes())


def _rows(path: Path) -> int:
    return int(path.stem.rpartition("-")[2])


def _alive(path: Path) -> bool:
    return psutil.pid_exists(int(path.name.partition("-")[0]))
