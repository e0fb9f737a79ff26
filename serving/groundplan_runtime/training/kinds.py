"""Kinds of models, by the word in the YAML. Each fits a matrix, predicts, and keeps itself as a file.

No file is a pickle but that of ``python``, whose model is the project's own.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from groundplan_runtime import project_code
from groundplan_runtime.errors import RuntimeProblem

SEED = 20130101


class Kind(Protocol):
    """One kind of model."""

    def fit(self, matrix: Any, target: Any, hyperparameters: Mapping[str, Any], threads: int) -> None:
        """Learn the target (a Series) from the matrix (a DataFrame of float64)."""

    def predict(self, matrix: Any) -> Any:
        """Return a float a row."""

    def save(self, folder: Path) -> None:
        """Write the fitted model into a folder."""

    def load(self, folder: Path) -> None:
        """Read what :meth:`save` wrote."""


class XGBoost:
    """Gradient-boosted trees. Hyperparameters are ``xgboost.XGBRegressor``'s, but for threads."""

    def __init__(self) -> None:
        self._booster: Any = None

    def fit(self, matrix: Any, target: Any, hyperparameters: Mapping[str, Any], threads: int) -> None:
        """Fit with a fixed seed and a bounded number of threads."""
        import xgboost

        known = set(xgboost.XGBRegressor().get_params()) - {"n_jobs", "callbacks"}
        _only(hyperparameters, known)
        words = {"random_state": SEED, "tree_method": "hist"} | dict(hyperparameters)
        try:
            fitted = xgboost.XGBRegressor(**words, n_jobs=threads).fit(matrix, target)
        except (xgboost.core.XGBoostError, ValueError, TypeError) as error:
            lines = [line for line in str(error).splitlines() if line.strip() and "Stack trace" not in line]
            raise RuntimeProblem(lines[0] if lines else str(error), path="hyperparameters") from None
        self._booster = fitted.get_booster()

    def predict(self, matrix: Any) -> Any:
        """Return a float a row."""
        return self.predict_array(matrix.to_numpy())

    def predict_array(self, matrix: Any) -> Any:
        """Return a float a row of an array: XGBoost computes with 32 bits, so the cut is made here, in one place."""
        return self._booster.inplace_predict(matrix.astype("float32"), validate_features=False)

    def save(self, folder: Path) -> None:
        """Write XGBoost's own format."""
        self._booster.save_model(folder / "model.ubj")

    def load(self, folder: Path) -> None:
        """Read it; one thread a request, so that requests do not fight for the CPUs."""
        import xgboost

        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(folder / "model.ubj")


class Linear:
    """Ridge regression (scikit-learn's); hyperparameters ``alpha`` and ``fit_intercept``. Best with ``scale: true``."""

    def __init__(self) -> None:
        self._weights: Any = None
        self._intercept = 0.0

    def fit(self, matrix: Any, target: Any, hyperparameters: Mapping[str, Any], threads: int) -> None:
        """Fit in closed form."""
        from sklearn.linear_model import Ridge

        _only(hyperparameters, {"alpha", "fit_intercept"})
        try:
            fitted = Ridge(**hyperparameters).fit(matrix.to_numpy(), target.to_numpy())
        except (ValueError, TypeError) as error:
            raise RuntimeProblem(str(error), path="hyperparameters") from None
        self._weights, self._intercept = fitted.coef_, float(fitted.intercept_)

    def predict(self, matrix: Any) -> Any:
        """Return a float a row."""
        return self.predict_array(matrix.to_numpy(dtype="float64"))

    def predict_array(self, matrix: Any) -> Any:
        """Return a float a row of an array: the same bits for a row whatever rows come with it, which BLAS' are not."""
        import numpy as np

        weighted = np.multiply(matrix, self._weights, order="C")
        return np.add.reduce(weighted, axis=1) + self._intercept

    def save(self, folder: Path) -> None:
        """Write weights and intercept as JSON."""
        document = {"weights": list(map(float, self._weights)), "intercept": self._intercept}
        (folder / "model.json").write_text(json.dumps(document))

    def load(self, folder: Path) -> None:
        """Read them."""
        import numpy as np

        document = json.loads((folder / "model.json").read_text())
        self._weights, self._intercept = np.asarray(document["weights"]), document["intercept"]


class Python:
    """The project's own: ``train(matrix, target, hyperparameters)`` returns an object with ``predict(matrix)``."""

    def __init__(self, root: Path | None = None, reference: str | None = None) -> None:
        self._root, self._reference = root, reference
        self._model: Any = None

    def fit(self, matrix: Any, target: Any, hyperparameters: Mapping[str, Any], threads: int) -> None:
        """Call the project's function."""
        if self._root is None or self._reference is None:
            raise RuntimeProblem("names no function", path="python", fix="python: training/x.py:train")
        made = project_code.function(self._root, self._reference)(matrix, target, dict(hyperparameters))
        if not callable(getattr(made, "predict", None)):
            raise RuntimeProblem(
                "returned no model",
                path=self._reference,
                value=type(made).__name__,
                allowed="an object with predict(matrix)",
            )
        self._model = made

    def predict(self, matrix: Any) -> Any:
        """Return a float a row."""
        import numpy as np

        return np.asarray(self._model.predict(matrix), dtype="float64").reshape(-1)

    def save(self, folder: Path) -> None:
        """Pickle it with the project's classes in it: serving has the artifact, not the project."""
        import cloudpickle

        own = [module for module in list(sys.modules.values()) if self._is_own(module)]
        for module in own:
            cloudpickle.register_pickle_by_value(module)
        try:
            (folder / "model.pkl").write_bytes(cloudpickle.dumps(self._model))
        finally:
            for module in own:
                cloudpickle.unregister_pickle_by_value(module)

    def load(self, folder: Path) -> None:
        """Unpickle it."""
        import cloudpickle

        self._model = cloudpickle.loads((folder / "model.pkl").read_bytes())

    def _is_own(self, module: Any) -> bool:
        file = getattr(module, "__file__", None)
        return bool(file and self._root and Path(file).resolve().is_relative_to(self._root))


KINDS: dict[str, type[Any]] = {"xgboost": XGBoost, "linear": Linear, "python": Python}


def kind(word: str) -> type[Any]:
    """Return the class of a kind; RuntimeProblem for an unknown word."""
    if word not in KINDS:
        raise RuntimeProblem("unknown kind of model", path="kind", value=word, allowed=", ".join(KINDS))
    return KINDS[word]


def _only(given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise RuntimeProblem(
            "unknown hyperparameter", path="hyperparameters", value=", ".join(unknown), allowed=", ".join(sorted(known))
        )
