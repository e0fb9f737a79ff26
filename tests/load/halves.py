"""Two halves of a tiny pair, as PyFuncs."""

from typing import Any

import mlflow


class Selector(mlflow.pyfunc.PythonModel):
    """Passes its one feature on."""

    def predict(self, context: Any, model_input: Any) -> Any:
        """Return the feature's column."""
        return model_input[["v__a"]]


class Doubler(mlflow.pyfunc.PythonModel):
    """Multiplies by its version, so that an answer betrays which one gave it."""

    def __init__(self, version: int) -> None:
        self.version = version

    def predict(self, context: Any, model_input: Any) -> Any:
        """Return the feature times the version."""
        return (model_input.iloc[:, 0] * self.version).to_numpy()
