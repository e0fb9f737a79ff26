"""The preprocessor half as a PyFunc. MLflow copies this file into each version: keep what it imports compatible."""

import json
from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

from groundplan_runtime.preprocessor import Preprocessor


class PreprocessorModel(PythonModel):
    """Keys and features in, the model's matrix out."""

    def load_context(self, context: Any) -> None:
        """Read what was learned."""
        self._preprocessor = Preprocessor.from_dict(json.loads(Path(context.artifacts["preprocessor"]).read_text()))
        self.transform_block = self._preprocessor.transform_block  # what serving asks for

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        """Return the matrix, a row a row."""
        return self._preprocessor.transform(model_input)


set_model(PreprocessorModel())
