"""Both halves as PyFuncs: logged in one run, loaded where only the runtime package is, the same numbers."""

import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import mlflow
import pytest

from groundplan_runtime import frames, project_code
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.training.fit import Fitted, Task, fit
from groundplan_runtime.training.kinds import Python
from groundplan_runtime.training.log import log
from tests.runtime.test_training import _examples, _task

ROOT = Path(__file__).resolve().parents[2]
OWN = """
from helper import Mean

def train(matrix, target, hyperparameters):
    return Mean(target.mean() + hyperparameters["more"])
"""
HELPER = """
import numpy as np

class Mean:
    def __init__(self, value): self.value = value
    def predict(self, matrix): return np.full(len(matrix), self.value)
"""
LOAD = """
import sys, mlflow
from groundplan_runtime import frames
preprocessor, model = (mlflow.pyfunc.load_model(uri) for uri in sys.argv[1:])
columns = {"carrier": ["UA", "ZZ"], "v__wind": [10, None], "v__naive": [20, 20]}
print([round(float(x), 6) for x in model.predict(preprocessor.predict(frames.normal(columns)))])
"""


@pytest.fixture(autouse=True)
def tracking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    monkeypatch.chdir(tmp_path)
    mlflow.set_tracking_uri(f"sqlite:///{tmp_path}/mlflow.db")
    mlflow.create_experiment("t/delay", artifact_location=f"file://{tmp_path}/artifacts")


def _job(task: Task) -> Job:
    given = dict(task.declared) | {"feature_service": "s", "as_of": "2013-03-01T00:00:00Z"}
    return Job("train", "t", "delay", "d1", given, "unused", experiment="t/delay")


def _elsewhere(result: dict[str, Any], tmp_path: Path) -> str:
    """Load both halves in a fresh process, with nothing of the project's on its path, and return what it predicts."""
    uris = [result[half]["model_uri"] for half in ("preprocessor", "model")]
    environment = {
        "PYTHONPATH": str(ROOT / "serving"), "HOME": str(tmp_path),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db",
    }  # fmt: skip
    command = [sys.executable, "-W", "ignore", "-c", LOAD, *uris]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def _here(fitted: Fitted) -> str:
    columns = frames.normal({"carrier": ["UA", "ZZ"], "v__wind": [10, None], "v__naive": [20, 20]})
    return str([round(float(x), 6) for x in fitted.model.predict(fitted.preprocessor.transform(columns))])


def test_one_run_holds_both_halves_and_registers_nothing(tmp_path: Path) -> None:
    task = _task("xgboost")
    fitted = fit(task, _examples(), lambda _: None)
    result = log(_job(task), fitted)
    assert result["preprocessor"]["run_id"] == result["model"]["run_id"] == result["run_id"]
    run = mlflow.get_run(result["run_id"])
    assert run.data.tags["digest"] == "d1"
    assert run.data.metrics == result["metrics"]
    assert run.data.metrics["mae"] < run.data.metrics["baseline_mae"]
    assert run.data.params["hyperparameters.max_depth"] == "3"
    assert mlflow.MlflowClient().search_registered_models() == []
    assert _elsewhere(result, tmp_path) == _here(fitted)


def test_a_projects_own_model_loads_without_the_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("training/own.py", OWN)
        archive.writestr("training/helper.py", HELPER)
    monkeypatch.setattr(project_code.storage, "read_bytes", lambda _: buffer.getvalue())
    with project_code.unpacked("zip") as root:
        declared = dict(_task("python", hyperparameters={"more": 1.0}).declared)
        make = lambda: Python(root, "training/own.py:train")  # noqa: E731
        task = Task(declared, ["v__wind", "v__naive"], "event_timestamp", "delay", _task("linear").as_of, 1, make)
        fitted = fit(task, _examples(), lambda _: None)
        result = log(_job(task), fitted)
        expected = _here(fitted)
    assert _elsewhere(result, tmp_path) == expected
