"""Jobs on a real Ray: followed, joined, failed with one line, tried anew, and started again when Ray lost them."""

import json
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from groundplan.controlplane.adapters.jobs import JobFailed
from groundplan.controlplane.adapters.ray_jobs import RayJobs
from groundplan.errors import ServiceError
from groundplan.local.supervisor import Supervisor
from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.ray.conftest import RayStack

pytestmark = pytest.mark.slow
DEADLINE = 240
# A data source that counts its runs, and waits until it is let go.
SOURCE = """\
import pathlib, time
import pandas as pd

FOLDER = pathlib.Path({folder!r})

def load():
    with (FOLDER / "runs").open("a") as runs:
        runs.write("x")
    while not (FOLDER / "go").exists():
        time.sleep(0.1)
    return pd.DataFrame({{"a": [1, 2]}})
"""


class Case:
    """One job: its document, what it said, and the threads that run it."""

    def __init__(self, jobs: RayJobs, folder: Path, python: str = "sources/s.py:load") -> None:
        self.jobs, self.folder, self.id = jobs, folder, f"data_source:p:{folder.name}:1"
        with zipfile.ZipFile(folder / "code.zip", "w") as archive:
            archive.writestr("sources/s.py", SOURCE.format(folder=str(folder)))
        self.document: dict[str, Any] = {
            "job": "ingest", "project": "p", "name": "s", "digest": "d", "code_uri": str(folder / "code.zip"),
            "properties": {"kind": "python", "python": python, "fields": {"a": "int64"}},
            "output_uri": str(folder / "out.parquet"), "result_uri": str(folder / "result.json"),
        }  # fmt: skip

    def start(self, said: list[str]) -> Callable[[], None]:
        """Run it in a thread; return a function that waits for its end and raises what it raised."""
        errors: list[BaseException] = []

        def work() -> None:
            try:
                self.jobs.run(self.id, self.document, said.append, cpus=0.5)
            except BaseException as error:
                errors.append(error)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()

        def end() -> None:
            thread.join(DEADLINE)
            assert not thread.is_alive(), f"did not end; said {said}"
            for error in errors:
                raise error

        return end

    def runs(self) -> int:
        """How often the source was loaded."""
        found = self.folder / "runs"
        return len(found.read_text()) if found.exists() else 0


@pytest.fixture
def case(ray_stack: RayStack, tmp_path: Path) -> Case:
    """A job that waits for the file ``go``."""
    return Case(RayJobs(ray_stack.runtime), tmp_path)


def eventually(check: Callable[[], object], what: str) -> None:
    """Look until it is so."""
    waiter = threading.Event()
    for _ in range(DEADLINE * 10):
        if check():
            return
        waiter.wait(0.1)
    pytest.fail(f"not within {DEADLINE} s: {what}")


def test_two_callers_share_one_job_and_each_hears_every_line_once(case: Case) -> None:
    first: list[str] = []
    second: list[str] = []
    ends = [case.start(first)]
    eventually(case.runs, "the job runs")
    ends.append(case.start(second))
    (case.folder / "go").touch()
    for end in ends:
        end()
    assert case.runs() == 1
    assert json.loads((case.folder / "result.json").read_text())["rows"] == 2
    assert first
    assert first == second
    assert len(set(first)) == len(first)
    case.jobs.run(case.id, case.document, second.append)  # done already: not run again
    assert case.runs() == 1


def test_a_failed_job_is_one_line_and_is_tried_anew(case: Case) -> None:
    (case.folder / "go").touch()
    good = case.document
    case.document = good | {"properties": good["properties"] | {"python": "sources/s.py:lode"}}
    with pytest.raises(JobFailed) as caught:
        case.start([])()
    assert "\n" not in str(caught.value)
    assert "groundplan logs ray" in str(caught.value)
    case.document = good
    said: list[str] = []
    case.start(said)()
    assert case.runs() == 1
    assert len(set(said)) == len(said)


def test_a_job_that_ray_lost_is_started_again(case: Case, ray_stack: RayStack) -> None:
    said: list[str] = []
    end = case.start(said)
    eventually(case.runs, "the job runs")
    found = Supervisor(ray_stack.stack.folder).look("ray")
    assert found is not None
    for process in psutil.Process(found.pid).children():
        process.kill()
    eventually(lambda: case.runs() == 2, "the job runs again")
    (case.folder / "go").touch()
    end()
    assert "Ray restarted and lost the job; starting it again" in said


def test_stop_ends_a_job_and_is_harmless_again(case: Case) -> None:
    end = case.start([])
    eventually(case.runs, "the job runs")
    case.jobs.stop(case.id)
    with pytest.raises(JobFailed, match="stopped"):
        end()
    case.jobs.stop(case.id)
    case.jobs.stop("data_source:p:never:1")


def test_a_wrong_token_is_told_at_once(ray_stack: RayStack, tmp_path: Path) -> None:
    (tmp_path / "ray-token").write_text("x" * 40)
    right = ray_stack.runtime
    wrong = Runtime(right.stack, right.stack_id, tmp_path, right.bucket, tmp_path, right.endpoints)
    with pytest.raises(ServiceError, match="token"):
        RayJobs(wrong).run("x", {"project": "test"}, lambda _: None)
