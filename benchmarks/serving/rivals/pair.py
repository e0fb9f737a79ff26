"""What every rival shares: the same features through Feast's public API, the same pair.

Two ways, as its users write them. ``frames``: DataFrames and ``mlflow.pyfunc``, as in each product's own tutorial.
``arrays``: Feast's asynchronous read, NumPy and XGBoost's booster, as an engineer would write who profiled the first.
``$BENCH_SETUP`` names a JSON file: ``feast`` (its RepoConfig), ``service``, ``password_file``, ``preprocessor``,
``model`` (folders of both PyFuncs).
"""

import json
import os
from pathlib import Path
from typing import Any

Entities = list[dict[str, Any]]


def setup() -> dict[str, Any]:
    """Return what the benchmark prepared."""
    return json.loads(Path(os.environ["BENCH_SETUP"]).read_text())


class Features:
    """Features as they are known now, by Feast. The registry is read once and cached, as it is in production."""

    def __init__(self) -> None:
        from feast import FeatureStore
        from feast.repo_config import RepoConfig

        given = setup()
        password = Path(given["password_file"]).read_text().strip()
        config = given["feast"]
        config["online_store"]["connection_string"] += f',password="{password}"'
        self._store = FeatureStore(config=RepoConfig(**config))
        self._service = self._store.get_feature_service(given["service"])

    def frame(self, entities: Entities) -> Any:
        """Return a DataFrame, a row an entity: keys and ``<view>__<field>``, as floats, which MLflow's schema wants."""
        found = self._store.get_online_features(
            features=self._service, entity_rows=entities, full_feature_names=True
        ).to_df()
        return found.astype({name: "float64" for name in found.columns if name not in entities[0]})

    async def columns(self, entities: Entities) -> dict[str, list[Any]]:
        """Return the same as lists by name, read without blocking."""
        found = await self._store.get_online_features_async(
            features=self._service, entity_rows=entities, full_feature_names=True
        )
        return found.to_dict()


class FramePreprocessor:
    """The preprocessor's PyFunc, through MLflow."""

    def __init__(self) -> None:
        import mlflow

        self._loaded = mlflow.pyfunc.load_model(setup()["preprocessor"])

    def transform(self, frame: Any) -> Any:
        """Return the model's matrix as a DataFrame."""
        return self._loaded.predict(frame)


class FrameModel:
    """The model's PyFunc, through MLflow."""

    def __init__(self) -> None:
        import mlflow

        self._loaded = mlflow.pyfunc.load_model(setup()["model"])

    def predict(self, matrix: Any) -> list[float]:
        """Return a prediction a row."""
        return self._loaded.predict(matrix).tolist()


class ArrayPreprocessor:
    """The same preprocessor from the numbers that it learned, on arrays."""

    def __init__(self) -> None:
        import numpy as np

        learned = json.loads((Path(setup()["preprocessor"]) / "artifacts/preprocessor.json").read_text())
        self._numeric, self._categories = learned["numeric"], learned["categories"]
        self._fills = np.array([learned["fills"][name] for name in self._numeric])
        if learned["scales"]:
            raise SystemExit("this rival was written for a preprocessor that does not scale")

    def transform(self, columns: dict[str, list[Any]]) -> Any:
        """Return the matrix as an array of float32, which is what XGBoost computes with."""
        import numpy as np

        numbers = np.array([columns[name] for name in self._numeric], dtype="float64").T
        parts = [np.where(np.isnan(numbers), self._fills, numbers)]
        for name, values in self._categories.items():
            parts.append(np.array(columns[name], dtype=object)[:, None] == np.array(values, dtype=object))
        return np.hstack(parts).astype("float32")


class ArrayModel:
    """The same booster, asked without MLflow."""

    def __init__(self) -> None:
        import xgboost

        self._booster = xgboost.Booster({"nthread": 1})
        self._booster.load_model(Path(setup()["model"]) / "artifacts/model/model.ubj")

    def predict(self, matrix: Any) -> list[float]:
        """Return a prediction a row."""
        return self._booster.inplace_predict(matrix, validate_features=False).astype("float64").tolist()


class Chain:
    """Features, preprocessor and model one after the other, in one process."""

    def __init__(self) -> None:
        self.features, self.preprocessor, self.model = Features(), FramePreprocessor(), FrameModel()

    def predict(self, entities: Entities) -> list[float]:
        """Return a prediction an entity."""
        return self.model.predict(self.preprocessor.transform(self.features.frame(entities)))
