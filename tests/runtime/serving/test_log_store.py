"""The prediction log on the real object store: written, down and up again, the newest rows read."""

import time
import uuid
from pathlib import Path

import pytest

from groundplan_runtime import prediction_files, storage
from groundplan_runtime.config import Runtime
from groundplan_serving.log import PredictionLog
from tests.runtime.test_prediction_log import served, until


def test_a_store_that_was_down_has_every_row_once(services: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"a{uuid.uuid4().hex[:8]}"
    uri = prediction_files.folder(services.bucket, "p", name)
    assert prediction_files.newest(uri, 10) is None
    with monkeypatch.context() as down:
        down.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:1")
        log = PredictionLog(services, "p", name, seconds=0.1)
        log.add(served(1))
        until(lambda: log.stats()["spooled_files"] == 1)
        log.add(served(2))
        until(lambda: log.stats()["spooled_files"] == 2)
        assert log.stats()["written"] == 0
    log.add(served(3))
    until(lambda: log.stats()["written"] == 6)
    log.close()
    rows = prediction_files.newest(uri, 5).to_pylist()
    assert [(row["request_id"], row["row"]) for row in rows] == [("r3", 0), ("r3", 1), ("r2", 0), ("r2", 1), ("r1", 0)]


def test_a_put_reuses_its_client(services: Runtime, tmp_path: Path) -> None:
    name = f"a{uuid.uuid4().hex[:8]}"
    log = PredictionLog(services, "p", name, seconds=60)
    for hour in range(50):  # a file an hour
        answer = served(1)
        object.__setattr__(answer, "at", answer.at + 3600 * hour)
        log.add(answer)
    start = time.monotonic()
    log.close()
    assert log.stats()["written"] == 100
    assert time.monotonic() - start < 5
    assert len(storage.files(prediction_files.folder(services.bucket, "p", name))) == 50
