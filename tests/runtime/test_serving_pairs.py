"""Both halves as serving holds them: what MLflow's ``predict`` answers, bit for bit, and for each row alone."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.linear_model import LinearRegression

from groundplan_runtime import pairs
from groundplan_runtime.block import Block
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job
from groundplan_runtime.training.fit import Task, fit
from groundplan_runtime.training.kinds import KINDS
from groundplan_runtime.training.log import log
from tests.runtime.test_training import AS_OF, _examples, _task

FEATURES = ["v__wind", "v__naive", "v__gate"]
NUMBERS = ("v__naive", "v__other", "v__gate", "v__wind")  # in another order than the pair's, and one that it lacks


def logged(folder: Path, word: str) -> dict[str, Any]:
    """Train and log a pair; a number is among its categories."""
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    name = f"{word}"
    mlflow.create_experiment(name, artifact_location=f"file://{folder}/artifacts")
    rows = _examples()
    rows["v__gate"] = np.where(np.arange(len(rows)) % 7 == 0, np.nan, np.arange(len(rows)) % 3 / 2)
    rows.loc[::5, "v__wind"] = np.nan
    given = {"impute": "mean", "scale": True, "categorical": ["carrier", "v__gate"]}
    declared = dict(_task(word, preprocessor=given).declared) | {
        "feature_service": "s",
        "as_of": "2013-03-01T00:00:00Z",
    }
    task = Task(declared, FEATURES, "event_timestamp", "delay", AS_OF, 1, KINDS[word])
    return log(Job("train", "t", "delay", "d1", declared, "unused", experiment=name), fit(task, rows, lambda _: None))


@pytest.fixture(scope="module", params=["xgboost", "linear"])
def uris(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """URIs of the halves of a pair of each kind."""
    before = mlflow.get_tracking_uri()
    result = logged(tmp_path_factory.mktemp(request.param), request.param)
    yield [result[half]["model_uri"] for half in ("preprocessor", "model")]
    mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def halves(uris: list[str]) -> Any:
    """The halves as serving loads them, and as MLflow does."""
    ours = pairs.load_preprocessor(uris[0]), pairs.load_model(uris[1])
    return *ours, *(mlflow.pyfunc.load_model(uri) for uri in uris)


ROWS = st.integers(1, 30)
CARRIER = st.sampled_from(["AA", "UA", "ZZ", "", "日本"]) | st.none()


@st.composite
def blocks(draw: st.DrawFn) -> Block:
    """Blocks of any numbers, missing ones and categories that were never seen."""
    rows = draw(ROWS)
    finite = st.floats(-1e6, 1e6) | st.just(float("nan")) | st.sampled_from([0.0, -0.0, 0.5, 1.0, 7.0])
    numbers = draw(npst.arrays("float64", (rows, len(NUMBERS)), elements=finite))
    carriers = draw(st.lists(CARRIER, min_size=rows, max_size=rows))
    return Block(rows, NUMBERS, numbers, {"carrier": carriers})


def frame_of(block: Block) -> pd.DataFrame:
    """The block as a frame, in the columns that the preprocessor was logged with."""
    columns = {name: np.array(v, dtype=object if isinstance(v, list) else None) for name, v in block.columns().items()}
    return pd.DataFrame(columns)[["v__wind", "v__naive", "carrier", "v__gate"]]


@settings(max_examples=60)
@given(block=blocks())
def test_answers_are_mlflows_bit_for_bit(halves: Any, block: Block) -> None:
    preprocessor, model, their_preprocessor, their_model = halves
    assert "Array" in type(preprocessor).__name__
    assert "Array" in type(model).__name__
    matrix, theirs = preprocessor.transform(block), their_preprocessor.predict(frame_of(block))
    assert (matrix.dtype, matrix.shape) == (np.dtype("float64"), theirs.shape)
    assert matrix.tobytes() == theirs.to_numpy().tobytes()
    values, expected = model.predict(matrix), their_model.predict(theirs)
    assert (values.dtype, values.shape) == (np.dtype("float64"), (block.rows,))
    assert values.tobytes() == expected.tobytes()


@settings(max_examples=30)
@given(block=blocks())
def test_a_row_is_answered_the_same_whatever_comes_with_it(halves: Any, block: Block) -> None:
    preprocessor, model = halves[:2]
    together = model.predict(preprocessor.transform(block))
    alone = [model.predict(preprocessor.transform(block.take([row])))[0] for row in range(block.rows)]
    assert together.tobytes() == np.array(alone).tobytes()


@settings(max_examples=30)
@given(block=blocks())
def test_a_pair_without_array_paths_gives_the_same_by_frames(uris: list[str], halves: Any, block: Block) -> None:
    slow = pairs._FramePreprocessor(halves[2]), pairs._FrameModel(halves[3])
    preprocessor, model = halves[:2]
    matrix = slow[0].transform(block)
    assert matrix.tobytes() == preprocessor.transform(block).tobytes()
    assert slow[1].predict(matrix).tobytes() == model.predict(matrix).tobytes()


def test_a_missing_column_is_one_clear_line(halves: Any) -> None:
    block = Block(1, ("v__wind", "v__gate"), np.zeros((1, 2)), {"carrier": ["AA"]})
    with pytest.raises(RuntimeProblem, match="missing column; got v__naive"):
        halves[0].transform(block)
    with pytest.raises(RuntimeProblem, match="missing column; got carrier"):
        halves[0].transform(Block(1, NUMBERS, np.zeros((1, 4))))


class Foreign(mlflow.pyfunc.PythonModel):
    """A PyFunc of somebody else's; its attribute is called as ours once was."""

    def load_context(self, context: Any) -> None:
        """Nothing to load."""
        self._model, self._preprocessor = self, self

    def predict(self, context: Any, model_input: pd.DataFrame) -> Any:
        """A matrix of one column."""
        return model_input[["v__wind"]] * 2


def test_a_foreign_pyfunc_is_given_frames(tmp_path: Path) -> None:
    wind = pd.DataFrame({"v__wind": [1.0, 2.0]})
    given = {"carrier": np.array(["AA", "UA"], dtype=object), "v__wind": [1.0, 2.0]}
    signature = mlflow.models.infer_signature(pd.DataFrame(given), wind)
    mlflow.pyfunc.save_model(tmp_path / "p", python_model=Foreign(), signature=signature)
    mlflow.pyfunc.save_model(
        tmp_path / "m", python_model=Foreign(), signature=mlflow.models.infer_signature(wind, wind)
    )
    block = Block(2, ("v__wind",), np.array([[3.0], [np.nan]]), {"carrier": ["AA", "UA"]})
    matrix = pairs.load_preprocessor(str(tmp_path / "p")).transform(block)
    np.testing.assert_array_equal(matrix, [[6.0], [np.nan]])
    np.testing.assert_array_equal(pairs.load_model(str(tmp_path / "m")).predict(matrix), [12.0, np.nan])


def test_another_flavour_is_given_frames(tmp_path: Path) -> None:
    fitted = LinearRegression().fit(np.array([[0.0], [1.0]]), np.array([1.0, 3.0]))
    mlflow.sklearn.save_model(fitted, tmp_path / "m")
    np.testing.assert_allclose(pairs.load_model(str(tmp_path / "m")).predict(np.array([[2.0]])), [5.0])
