"""The prediction log: whole, bounded, through a store that is down and a process that was killed."""

import fcntl
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pyarrow.parquet as pq
import pytest

from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_serving import log as log_module
from groundplan_serving import log_spool
from groundplan_serving.log import PredictionLog, Served

ROOT = Path(__file__).resolve().parents[2]


class Store:
    """The object store, in a folder; may be down."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.down, self.puts = folder, False, 0

    def upload(self, path: Path, uri: str) -> None:
        """Take a file."""
        if self.down:
            raise OSError("connection refused")
        self.puts += 1
        target = self.folder / uri.removeprefix("s3://")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())

    def rows(self) -> list[dict[str, Any]]:
        """All rows, in the order in which they were served."""
        files = sorted(self.folder.rglob("*.parquet"))
        rows = [row for file in files for row in pq.read_table(file).to_pylist()]
        return sorted(rows, key=lambda row: (row["at"], row["row"]))


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    """A runtime whose data folder is the test's."""
    return Runtime("t", "x", tmp_path / "data", "bucket", tmp_path / "secrets", {})


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An object store in place of the real one, which ``tests/runtime/serving/test_log_store.py`` covers."""
    made = Store(tmp_path / "store")
    monkeypatch.setattr(log_spool, "_upload", made.upload)
    return made


def served(number: int, rows: int = 2, view: str = "v") -> Served:
    """One answer whose rows can be told apart."""
    numbers = np.column_stack([np.arange(rows) + number * 100.0, np.full(rows, np.nan)])
    texts = {"origin": [f"A{number}"] * rows, f"{view}__t": ["x", None][:rows]}
    times = {view: np.array([1_700_000_000.5, np.nan][:rows])}
    block = Block(rows, (f"{view}__a", f"{view}__b"), numbers, texts, times)
    latency = {"FeastService": 1.5, "ModelService": 0.5}
    keys = {"origin": [f"A{number}"] * rows}
    return Served(f"r{number}", 1_700_000_000 + number, "production", 7, "answer", keys, block, numbers[:, 0], latency)


def until(check: Callable[[], bool]) -> None:
    """Poll until it holds."""
    end = time.monotonic() + 20
    while not check():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_every_row_arrives_once_with_all_that_was_served(runtime: Runtime, store: Store) -> None:
    log = PredictionLog(runtime, "p", "a", seconds=0.05)
    for number in range(50):
        log.add(served(number))
    log.add(served(50, view="w"))
    log.close()
    rows = store.rows()
    assert [row["request_id"] for row in rows] == [f"r{n}" for n in range(51) for _ in range(2)]
    first = rows[0]
    assert first["at"].isoformat() == "2023-11-14T22:13:20+00:00"
    assert (first["version"], first["alias"], first["role"], first["origin"]) == (7, "production", "answer", "A0")
    assert (first["v__a"], first["value"], first["v__t"], first["latency_FeastService_ms"]) == (0.0, 0.0, "x", 1.5)
    assert first["v__event_timestamp"].timestamp() == 1_700_000_000.5
    assert rows[1]["v__event_timestamp"] is None
    assert rows[-1]["w__a"] == 5001.0
    assert log.stats() == {"added": 102, "written": 102, "dropped": 0, "waiting": 0, "spooled_files": 0}
    keys = {str(path.relative_to(store.folder).parent) for path in store.folder.rglob("*.parquet")}
    assert keys == {"bucket/predictions/p/a/date=2023-11-14/hour=22"}


def test_a_store_that_is_down_loses_nothing_and_doubles_nothing(runtime: Runtime, store: Store) -> None:
    store.down = True
    log = PredictionLog(runtime, "p", "a", seconds=0.02)
    for number in range(3):
        log.add(served(number))
        until(lambda count=number: log.stats()["spooled_files"] > count)
    store.down = False
    until(lambda: log.stats()["written"] == 6)
    log.close()
    assert [row["request_id"] for row in store.rows()] == ["r0", "r0", "r1", "r1", "r2", "r2"]
    assert store.puts == 3


def test_memory_and_spool_are_bounded_and_what_is_left_out_is_counted(runtime: Runtime, store: Store) -> None:
    store.down = True
    log = PredictionLog(runtime, "p", "a", most_rows=10, seconds=0.05, spool_bytes=9_000)
    for number in range(200):
        log.add(served(number))
    until(lambda: log.stats()["spooled_files"] > 0)
    stats = log.stats()
    assert stats["added"] + stats["dropped"] == 400
    assert stats["dropped"] > 0
    for number in range(20):
        log.add(served(number, rows=1))
        before = log.stats()["added"]
        until(lambda seen=before: log.stats()["added"] >= seen and not log._waiting)
    log.close()
    spool = sum(path.stat().st_size for path in (runtime.data_dir / "spool").rglob("*.parquet"))
    assert 0 < spool <= 9_000
    assert log.stats()["dropped"] > stats["dropped"]


def ended(runtime: Runtime, how: str) -> int:
    """Run a process that answers once while the store is down, and ends so; return its exit code."""
    code = textwrap.dedent(f"""
        import os, signal, sys, time
        sys.path[:0] = [{str(ROOT / "serving")!r}, {str(ROOT)!r}]
        from pathlib import Path
        from groundplan_runtime.config import Runtime
        from groundplan_serving import log, log_spool
        from tests.runtime.test_prediction_log import served
        def down(path, uri): raise OSError("down")
        log_spool._upload = down
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        runtime = Runtime("t", "x", Path({str(runtime.data_dir)!r}), "bucket", Path("s"), {{}})
        made = log.PredictionLog(runtime, "p", "a", seconds=0.02 if {how!r} == "SIGKILL" else 60)
        made.add(served(1))
        while {how!r} == "SIGKILL" and not made.stats()["spooled_files"]:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.{how})
    """)
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, timeout=60).returncode


@pytest.mark.parametrize(("how", "code"), [("SIGKILL", -9), ("SIGTERM", 7)])
def test_what_an_ended_process_left_the_next_one_puts(runtime: Runtime, store: Store, how: str, code: int) -> None:
    assert ended(runtime, how) == code
    assert store.rows() == []
    half = next((runtime.data_dir / "spool").rglob("*.parquet")).with_suffix(".half")
    half.write_text("half a file")
    log = PredictionLog(runtime, "p", "a", seconds=0.02)
    until(lambda: log.stats()["written"] == 2)
    log.close()
    assert [row["request_id"] for row in store.rows()] == ["r1", "r1"]
    assert [path.name for path in (runtime.data_dir / "spool").rglob("*") if path.is_file()] == []


def test_a_writer_that_lives_keeps_its_files(runtime: Runtime, store: Store) -> None:
    store.down = True
    one = PredictionLog(runtime, "p", "a", seconds=0.02)
    one.add(served(1))
    until(lambda: one.stats()["spooled_files"] == 1)
    other = PredictionLog(runtime, "p", "a", seconds=0.02)
    other.add(served(2))
    until(lambda: other.stats()["spooled_files"] == 1)
    store.down = False
    for each in (other, one):
        each.close()
    assert (one.stats()["written"], other.stats()["written"], store.puts) == (2, 2, 2)


def test_a_writer_that_begins_is_never_taken_for_one_that_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, real = log_spool.Spool(tmp_path, "s3://b"), fcntl.flock

    def look(lock: Any, how: int) -> None:
        one.files()  # another writer looks around just before the new one has its lock
        real(lock, how)

    with monkeypatch.context() as patched:
        patched.setattr(log_spool, "fcntl", Mock(wraps=fcntl, flock=look, LOCK_EX=fcntl.LOCK_EX))
        monkeypatch.setattr(one, "_take", lambda path: pytest.fail(f"takes {path.name}"))
        two = log_spool.Spool(tmp_path, "s3://b")
    assert len(list(tmp_path.glob("*.lock"))) == 2
    for each in (one, two):
        each.close()
    assert list(tmp_path.iterdir()) == []


def test_a_stop_while_the_store_hangs_keeps_what_was_answered_last(
    runtime: Runtime, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, go = threading.Event(), threading.Event()

    def hang(path: Path, uri: str) -> None:
        hanging.set()
        go.wait(60)
        raise OSError("gave up")

    monkeypatch.setattr(log_spool, "_upload", hang)
    monkeypatch.setattr(log_module, "GRACE", 0.2)
    log = PredictionLog(runtime, "p", "a", seconds=0.02)
    log.add(served(1))
    assert hanging.wait(20)
    log.add(served(2))
    log.close()
    log.add(served(3))
    assert (log.stats()["added"], log.stats()["dropped"], log.stats()["waiting"]) == (4, 2, 4)
    go.set()
    log._thread.join(20)
    monkeypatch.setattr(log_spool, "_upload", store.upload)
    PredictionLog(runtime, "p", "a", seconds=0.02).close()
    assert [row["request_id"] for row in store.rows()] == ["r1", "r1", "r2", "r2"]


def test_what_no_table_can_hold_is_counted_and_the_log_goes_on(runtime: Runtime, store: Store) -> None:
    log = PredictionLog(runtime, "p", "a", seconds=0.02)
    log.add(replace(served(1), keys={"origin": ["A", 1]}))
    until(lambda: log.stats()["dropped"] == 2)
    log.add(served(2))
    log.close()
    assert [row["request_id"] for row in store.rows()] == ["r2", "r2"]


def test_each_hour_has_its_own_file(runtime: Runtime, store: Store) -> None:
    log = PredictionLog(runtime, "p", "a", seconds=60)
    for hours in range(3):
        log.add(replace(served(hours), at=1_700_000_000 + 3600 * hours))
    log.close()
    found = [str(path.parent.relative_to(store.folder)) for path in sorted(store.folder.rglob("*.parquet"))]
    days = ["date=2023-11-14/hour=22", "date=2023-11-14/hour=23", "date=2023-11-15/hour=00"]
    assert found == [f"bucket/predictions/p/a/{each}" for each in days]


def test_two_writers_at_once_put_each_row_once(runtime: Runtime, store: Store) -> None:
    logs = [PredictionLog(runtime, "p", "a", seconds=0.02) for _ in range(2)]
    for number in range(20):
        logs[number % 2].add(served(number))
    for each in logs:
        each.close()
    assert sorted(row["request_id"] for row in store.rows()) == sorted(f"r{n}" for n in range(20) for _ in range(2))
    assert os.listdir(runtime.data_dir / "spool" / "predictions" / "p") == ["a"]
