"""The tiers behind the ingress: features, preprocessing, model. Each answers for exactly the version asked for.

Protocol: ``docs/adr/0004-the-pair-and-who-owns-it.md``. A tier never sees an alias; a version that it does not hold
is an error, never another version.
"""

import asyncio
from typing import Any, Literal

from groundplan_serving.config import Args, Versions
from groundplan_serving.errors import Fault, unavailable

Columns = dict[str, list[Any]]


class FeastService:
    """Reads the features of a request's entities from the online store, all views in one call."""

    def __init__(self, args: dict[str, Any]) -> None:
        from groundplan_runtime.config import Runtime
        from groundplan_runtime.features import Features

        Runtime.load().apply_environment()
        self._args = Args.model_validate(args)
        self._features = Features(self._args.project, self._args.feature_service.name)

    async def fetch(self, entities: list[dict[str, Any]]) -> Columns | Fault:
        """Return the columns of ``entities``, one value a row, or a :class:`Fault` 404 for a row without features."""
        columns = await self._features.anow(entities)
        for view, fields in self._args.feature_service.views.items():
            missing = _row_without_features([columns[f"{view}__{field}"] for field in fields])
            if missing is not None:
                return _unknown(view, missing, entities[missing])
        return columns


def _row_without_features(columns: list[list[Any]]) -> int | None:
    rows = enumerate(zip(*columns, strict=True))
    return next((position for position, values in rows if all(value is None for value in values)), None)


def _unknown(view: str, position: int, entity: dict[str, Any]) -> Fault:
    known = ", ".join(f"{key}={value}" for key, value in entity.items())
    what = f"feature view {view} knows nothing of this entity"
    return Fault(404, what, f"entities[{position}]", known, fix="check the keys, or materialize the view")


class _Half:
    """Holds one half of some pair versions, and swaps them without a stall."""

    half: Literal["preprocessor", "model"]

    def __init__(self) -> None:
        from groundplan_runtime.config import Runtime

        Runtime.load().apply_environment()
        self._loaded: dict[int, Any] = {}

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Load the versions that are new, off the event loop, then let go of the ones that are not named."""
        wanted = Versions.model_validate(user_config)
        for version in wanted.versions:
            if version not in self._loaded:
                uri = getattr(wanted.mlflow[str(version)], self.half)
                self._loaded[version] = await asyncio.to_thread(_load, uri)
        self._loaded = {v: model for v, model in self._loaded.items() if v in wanted.versions}

    async def _apply(self, version: int, frame: Any) -> Any:
        """Return what exactly ``version`` makes of ``frame``, or the :class:`Fault` that it is not here."""
        model = self._loaded.get(version)
        if model is None:
            return unavailable(type(self).__name__, f"does not hold version {version}, only {sorted(self._loaded)}")
        return await asyncio.to_thread(model.predict, frame)


class PreprocessingService(_Half):
    """Applies the preprocessor of the pinned version."""

    half = "preprocessor"

    async def transform(self, version: int, columns: Columns) -> tuple[int, Any] | Fault:
        """Return the version that did the work, and the matrix: a frame with a row an entity."""
        from groundplan_runtime import frames

        matrix = await self._apply(version, frames.normal(columns))
        return matrix if isinstance(matrix, Fault) else (version, matrix)


class ModelService(_Half):
    """Applies the model of the pinned version."""

    half = "model"

    async def predict(self, version: int, matrix: Any) -> tuple[int, list[float]] | Fault:
        """Return the version that did the work, and a prediction a row, in the target's unit."""
        import numpy as np

        values = await self._apply(version, matrix)
        return values if isinstance(values, Fault) else (version, np.asarray(values, dtype=float).ravel().tolist())


def _load(uri: str) -> Any:
    import mlflow

    return mlflow.pyfunc.load_model(uri)
