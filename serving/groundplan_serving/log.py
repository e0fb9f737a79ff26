"""Predictions as they were answered, to the object store: what monitoring, audit and skew checks read.

Answers wait in memory (bounded), are made columns a few at a time (much at once would hold up who is answering: the
thread shares the interpreter), written as Parquet to a spool folder every few seconds
(:mod:`groundplan_serving.log_spool`), and from there put to the object store. While that is down the spool grows
(bounded too); what had to be left out is counted. A process that was killed leaves its spool to the next.
"""

import atexit
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog

from groundplan_runtime import prediction_files
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_serving.log_spool import Spool, over
from groundplan_serving.log_table import joined, table_of

log = structlog.get_logger()

#: Rows that wait in memory at most; seconds between two writes; bytes of the spool at most.
MOST_ROWS, SECONDS, SPOOL_BYTES = 200_000, 5.0, 512 * 2**20
#: Seconds between two times that what came is made columns; answers made columns at a time.
TICK, PORTION = 0.1, 64
#: Seconds at most between two tries to reach a store that is down; they double up to this.
PATIENCE = 60.0
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
    """Rows: taken in, put to the object store, left out for want of room, waiting (in memory and spool); and files that
    wait in the spool."""

    added: int = 0
    written: int = 0
    dropped: int = 0
    waiting: int = 0
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
        target = prediction_files.folder(runtime.bucket, project, application)
        self._spool = Spool(runtime.data_dir / "spool" / "predictions" / project / application, target)
        self._most_rows, self._seconds, self._spool_bytes = most_rows, seconds, spool_bytes
        self._waiting: deque[Served] = deque()
        self._waiting_rows = 0
        #: (day and hour, columns) → tables of them that wait to be written.
        self._tables: dict[tuple[str, ...], list[Any]] = {}
        self._lock, self._writing = threading.Lock(), threading.Lock()
        self._wake, self._flushed = threading.Event(), threading.Event()
        self._closing = False
        self._stats, self._spooled_rows = Stats(), 0
        self._told = 0.0
        self._pause, self._not_before = 0.0, 0.0
        self._thread = threading.Thread(target=self._work, name="prediction-log", daemon=True)
        self._thread.start()
        atexit.register(self.close)  # a process that was told to end without a word to us

    def add(self, served: Served) -> None:
        """Take one answer in; where there is no room it is left out and counted. Never blocks."""
        rows = served.block.rows
        with self._lock:
            if self._closing or self._waiting_rows + rows > self._most_rows:
                self._stats.dropped += rows
                return
            self._waiting.append(served)
            self._waiting_rows += rows
            self._stats.added += rows
            full = self._waiting_rows > self._most_rows // 2
        if full:
            self._wake.set()

    def stats(self) -> dict[str, int]:
        """Return the counts of :class:`Stats`."""
        with self._lock:
            return asdict(self._stats) | {"waiting": self._waiting_rows + self._spooled_rows}

    def close(self) -> None:
        """Write what is left: to the object store, or to the spool when that does not answer in time."""
        with self._lock:
            if self._closing:
                return
            self._closing = True
        atexit.unregister(self.close)
        self._write()  # here: the thread may hang in a put
        self._flushed.set()
        self._wake.set()
        self._thread.join(timeout=GRACE)

    def _work(self) -> None:
        due = time.monotonic() + self._seconds
        while not self._closing:
            full = self._wake.wait(min(TICK, self._seconds))
            self._wake.clear()
            with self._writing:
                self._convert()
            if full or time.monotonic() >= due:
                self._write()
                self._move()
                due = time.monotonic() + self._seconds
        self._flushed.wait(GRACE)
        self._move(until=time.monotonic() + GRACE)
        self._spool.close()

    def _move(self, until: float | None = None) -> None:
        """Put what is in the spool, unless that failed a moment ago; keep the spool within its bounds."""
        try:
            left = deque(self._spool.files())
            if until is not None or time.monotonic() >= self._not_before:
                self._put(left, until)
            self._bound(list(left))
        except Exception as error:  # the log must outlive whatever happens to its folder
            self._tell(f"{type(error).__name__}: {error}")

    def _write(self) -> None:
        """Write what waits in memory to the spool, a file for each hour and set of columns."""
        with self._writing:
            self._convert()
            tables, self._tables = self._tables, {}
            for (when, *_), parts in tables.items():
                day, hour = when.split()
                self._write_one(day, hour, parts)

    def _write_one(self, day: str, hour: str, parts: list[Any]) -> None:
        rows = sum(each.num_rows for each in parts)
        try:
            self._spool.write(day, hour, joined(parts))
        except Exception as error:  # a full disk, or whatever: serving goes on, and says so
            self._lose(rows, error)
            return
        with self._lock:
            self._waiting_rows -= rows
            self._spooled_rows += rows

    def _convert(self) -> None:
        """Make columns of what waits, a portion at a time."""
        with self._lock:
            taken, self._waiting = self._waiting, deque()
        groups: dict[Any, list[Served]] = {}
        for each in taken:
            when = f"{datetime.fromtimestamp(each.at, UTC):%Y-%m-%d %H}"
            columns = (each.block.names, *each.block.texts, "", *each.block.times)
            groups.setdefault((when, columns), []).append(each)
        for (when, _), served in groups.items():
            for start in range(0, len(served), PORTION):
                self._convert_some(when, served[start : start + PORTION])
                time.sleep(0)  # who is answering goes first

    def _convert_some(self, when: str, served: Sequence[Served]) -> None:
        try:
            table = table_of(served)
        except Exception as error:  # what no table can hold: serving goes on, and says so
            self._lose(sum(each.block.rows for each in served), error)
            return
        kind = (when, *table.schema.names, *map(str, table.schema.types))
        self._tables.setdefault(kind, []).append(table)

    def _lose(self, rows: int, error: Exception) -> None:
        with self._lock:
            self._waiting_rows -= rows
            self._stats.dropped += rows
        self._tell(f"cannot write: {type(error).__name__}: {error}")

    def _put(self, files: deque[Path], until: float | None) -> None:
        """Put files to the object store, oldest first, and take them from the deque."""
        while files and (until is None or time.monotonic() < until):
            try:
                rows = self._spool.put(files[0])
            except OSError as error:
                self._later()
                self._tell(f"the object store takes no predictions now: {error}")
                return
            files.popleft()
            self._pause = 0.0
            with self._lock:
                self._stats.written += rows

    def _later(self) -> None:
        self._pause = min(max(2 * self._pause, self._seconds), PATIENCE)
        self._not_before = time.monotonic() + self._pause

    def _bound(self, left: list[Path]) -> None:
        gone = list(over(left, self._spool_bytes))
        rows = sum(self._spool.drop(path) for path in gone)
        kept = left[len(gone) :]
        with self._lock:
            self._stats.dropped += rows
            self._stats.spooled_files = len(kept)
            self._spooled_rows = sum(prediction_files.rows_in(path.name) for path in kept)
        if rows:
            self._tell(f"the spool is full ({self._spool_bytes} bytes): the oldest {rows} rows go")

    def _tell(self, what: str) -> None:
        """Log once a minute at most."""
        if time.monotonic() - self._told > 60 or not self._told:
            self._told = time.monotonic()
            log.warning("prediction log", what=what, **self.stats())
