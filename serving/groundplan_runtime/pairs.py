"""The halves of a pair as serving holds them: arrays in, arrays out, the same answers as MLflow's ``predict``."""

from collections.abc import Callable
from typing import Any, Protocol

from groundplan_runtime.block import Block


class PreprocessorHalf(Protocol):
    """The preprocessor of one pair version."""

    def transform(self, block: Block) -> Any:
        """Return the model's matrix: float64, shape (rows, columns)."""


class ModelHalf(Protocol):
    """The model of one pair version."""

    def predict(self, matrix: Any) -> Any:
        """Return a prediction a row: float64, shape (rows,)."""


def load_preprocessor(uri: str) -> PreprocessorHalf:
    """Load a preprocessor from MLflow, by number: ``models:/flights_delay_preprocessor/7``.

    One whose PythonModel has ``transform_block(block)`` works on arrays; any other is given a DataFrame of the block's
    columns: text as objects, all else float64.
    """
    loaded = _loaded(uri)
    own = getattr(_python_model(loaded), "transform_block", None)
    return _ArrayPreprocessor(own) if own is not None else _FramePreprocessor(loaded)


def load_model(uri: str) -> ModelHalf:
    """Load a model from MLflow, by number: ``models:/flights_delay_model/7``.

    One whose PythonModel has ``predict_array(matrix)`` works on arrays; any other is given a DataFrame with the column
    names of its signature.
    """
    loaded = _loaded(uri)
    own = getattr(_python_model(loaded), "predict_array", None)
    return _ArrayModel(own) if own is not None else _FrameModel(loaded)


def _loaded(uri: str) -> Any:
    import mlflow

    return mlflow.pyfunc.load_model(uri)


def _python_model(loaded: Any) -> Any:
    """Return the PythonModel of a PyFunc; None for another flavour (scikit-learn's, say), which has none."""
    from mlflow.exceptions import MlflowException

    try:
        return loaded.unwrap_python_model()
    except MlflowException:
        return None


class _ArrayPreprocessor:
    """Ours: no frame on the way."""

    def __init__(self, transform_block: Callable[[Block], Any]) -> None:
        self._transform_block = transform_block

    def transform(self, block: Block) -> Any:
        return self._transform_block(block)


class _ArrayModel:
    """One of our kinds that works on arrays."""

    def __init__(self, predict_array: Callable[[Any], Any]) -> None:
        self._predict_array = predict_array

    def predict(self, matrix: Any) -> Any:
        return self._predict_array(matrix).astype("float64")


class _FramePreprocessor:
    """Any other: a frame in, what it returns as an array out."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded

    def transform(self, block: Block) -> Any:
        import numpy as np

        return np.asarray(self._loaded.predict(_frame(block)), dtype="float64")


def _frame(block: Block) -> Any:
    import numpy as np
    import pandas as pd

    texts = {name: np.array(values, dtype=object) for name, values in block.texts.items()}
    return pd.DataFrame(block.columns() | texts)


class _FrameModel:
    """Any other, such as a project's own: it is given the columns by the names of its signature."""

    def __init__(self, loaded: Any) -> None:
        self._loaded = loaded
        schema = loaded.metadata.get_input_schema()
        self._names = schema.input_names() if schema is not None else None

    def predict(self, matrix: Any) -> Any:
        import numpy as np
        import pandas as pd

        found = self._loaded.predict(pd.DataFrame(matrix, columns=self._names))
        return np.asarray(found, dtype="float64").reshape(-1)
