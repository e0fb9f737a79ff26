"""The model half as a PyFunc. MLflow copies this file into each version: keep what it imports compatible."""

from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from groundplan_runtime.training.kinds import kind


class ForecastModel(PythonModel):
    """The preprocessor's matrix in, a number a row out."""

    def load_context(self, context: Any) -> None:
        """Load the model by its kind."""
        folder = Path(context.artifacts["model"])
        self._model = kind((folder / "kind").read_text())()
        self._model.load(folder)
        if hasattr(self._model, "predict_array"):  # what serving asks for, where the kind has it
            self.predict_array = self._model.predict_array

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Return the predictions, a float a row."""
        return self._model.predict(model_input).astype("float64")


set_model(ForecastModel())
