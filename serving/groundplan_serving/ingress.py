"""ForecastAPI: the one door of an application. Resolves the alias once, pins the pair version on the request."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from starlette.requests import Request
from starlette.responses import JSONResponse

from groundplan_serving.config import Active, Args
from groundplan_serving.errors import Fault, unavailable
from groundplan_serving.request import parse

PREDICT = "/predict/feast/batch"


class ForecastAPI:
    """Validates a request, leads it through the tiers under one deadline, and forms the answer."""

    def __init__(self, args: dict[str, Any], features: Any, preprocessing: Any, model: Any) -> None:
        self._args = Args.model_validate(args)
        self._features, self._preprocessing, self._model = features, preprocessing, model
        self._live = Active()

    def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Flip the pointer: requests from now on pin the new version; those under way keep theirs."""
        self._live = Active.model_validate(user_config)

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer one HTTP request: the prediction route, ``/healthz``, or one clear line."""
        try:
            return JSONResponse(await self._route(request))
        except Fault as fault:
            headers = {"Retry-After": "1"} if fault.status == 503 else None
            return JSONResponse(fault.body(), status_code=fault.status, headers=headers)

    async def _route(self, request: Request) -> dict[str, Any]:
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        if path == "/healthz" and request.method == "GET":
            return self._health()
        if path != PREDICT:
            raise Fault(404, "no such route", path=path, allowed=f"POST {PREDICT}, GET /healthz")
        if request.method != "POST":
            raise Fault(405, "method not allowed", path=path, value=request.method, allowed="POST")
        return await self._predict(await request.body())

    def _health(self) -> dict[str, Any]:
        return {
            "status": "ok" if self._live.active else "waiting",
            "alias": self._live.alias,
            **self._live.model_dump(),
        }

    async def _predict(self, body: bytes) -> dict[str, Any]:
        entities = parse(body, list(self._args.feature_service.entities.values()), self._args.max_batch)
        live = self._live
        version = live.active.get(live.alias)
        if version is None:
            raise Fault(
                503, f"alias {live.alias} of model {self._args.model} points to no pair version yet", path="alias"
            )
        deadline = time.monotonic() + self._args.timeout_s
        columns = await self._ask("FeastService", self._features.fetch.remote, deadline, entities)
        transform = self._preprocessing.transform.remote
        made_by, matrix = await self._ask("PreprocessingService", transform, deadline, version, columns)
        answered_by, values = await self._ask("ModelService", self._model.predict.remote, deadline, version, matrix)
        return {
            "predictions": [{"entity": e, "value": v} for e, v in zip(entities, values, strict=True)],
            "model": self._args.model,
            "alias": live.alias,
            "preprocessor_version": made_by,
            "model_version": answered_by,
        }

    async def _ask(self, tier: str, call: Callable[..., Any], deadline: float, *values: Any) -> Any:
        """Ask one tier within what is left of the request's time; whatever goes wrong there is a 503 with its name."""
        left = max(deadline - time.monotonic(), 0.001)
        try:
            answer = await asyncio.wait_for(_awaited(call, *values), timeout=left)
        except TimeoutError:
            raise unavailable(tier, f"did not answer within the request's {self._args.timeout_s:g} s") from None
        except BackPressureError:
            raise unavailable(tier, "is overloaded") from None
        except (DeploymentUnavailableError, RayActorError):
            raise unavailable(tier, "is down") from None
        except RayError as error:
            raise unavailable(tier, f"failed: {_last_line(error)}") from error
        # A tier returns what it refuses instead of raising it: a user's mistake is no failure in its log.
        if isinstance(answer, Fault):
            raise answer
        return answer


async def _awaited(call: Callable[..., Any], *values: Any) -> Any:
    return await call(*values)


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__
