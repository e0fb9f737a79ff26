"""(a) A PyFunc that reads the features and chains both halves; served by ``mlflow models serve``."""

import sys
from pathlib import Path
from typing import Any

from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

sys.path.append(str(Path(__file__).parent))


class Chained(PythonModel):
    """Entities in, predictions out."""

    def load_context(self, context: Any) -> None:
        """Load everything once."""
        from pair import Chain

        self._chain = Chain()

    def predict(self, context, model_input, params=None):  # type: ignore[no-untyped-def]
        """Return a prediction a row."""
        return self._chain.predict(model_input.to_dict("records"))


set_model(Chained())
