"""The same pairs behind tiers that load by alias: what `make load-pair` must catch mixing.

As tutorials do it: each half looks up its own MLflow alias, again and again, and swaps its model when the alias has
moved, in the background, so that no request waits. Runs in Ray Serve: ``import_path: by_alias:build``.
"""

import asyncio
import threading
from typing import Any

import mlflow
from ray import serve
from starlette.requests import Request

from groundplan_runtime import frames
from groundplan_runtime.config import Runtime
from groundplan_runtime.features import Features

#: Seconds between two looks at an alias.
REFRESH = 1.0


class Half:
    """One half of whatever version its alias points to; loads the next one beside it, then swaps."""

    def __init__(self, name: str, alias: str) -> None:
        Runtime.load().apply_environment()
        self._name, self._alias = name, alias
        self._held: tuple[int, Any] = (0, None)
        self._refresh()
        threading.Thread(target=self._follow, daemon=True).start()

    def _refresh(self) -> None:
        version = int(mlflow.MlflowClient().get_model_version_by_alias(self._name, self._alias).version)
        if version != self._held[0]:
            self._held = (version, mlflow.pyfunc.load_model(f"models:/{self._name}/{version}"))

    def _follow(self) -> None:
        waiting = threading.Event()
        while True:
            waiting.wait(REFRESH)
            self._refresh()

    async def apply(self, given: Any) -> tuple[int, Any]:
        """Return the version that did the work, and what it made."""
        version, model = self._held
        return version, await asyncio.to_thread(model.predict, given)


class Door:
    """The ingress: features, then one half, then the other; knows no version."""

    def __init__(self, project: str, service: str, preprocessor: Any, model: Any) -> None:
        Runtime.load().apply_environment()
        self._features = Features(project, service)
        self._preprocessor, self._model = preprocessor, model

    async def __call__(self, request: Request) -> dict[str, Any]:
        """Answer a request of the same form as ours."""
        columns = await self._features.anow((await request.json())["entities"])
        made_by, matrix = await self._preprocessor.apply.remote(frames.normal(columns))
        answered_by, values = await self._model.apply.remote(matrix)
        return {
            "predictions": [{"value": float(value)} for value in values],
            "preprocessor_version": made_by,
            "model_version": answered_by,
        }


def build(args: dict[str, Any]) -> serve.Application:
    """Return the application. ``args``: project, feature_service, model (MLflow's name without the half), alias."""
    halves = [
        _deployment(Half, name).bind(f"{args['model']}_{name}", args["alias"]) for name in ("preprocessor", "model")
    ]
    return _deployment(Door, "door").bind(args["project"], args["feature_service"], *halves)


def _deployment(cls: type, name: str) -> Any:
    return serve.deployment(cls, name=name, ray_actor_options={"num_cpus": 0.1}, max_ongoing_requests=32)
