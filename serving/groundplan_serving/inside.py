"""What every topology shares: the HTTP routes of a door, and tiers that live in the door's own process."""

from collections.abc import Callable
from typing import Any

from starlette.responses import JSONResponse

from groundplan_serving.config import LiveConfig
from groundplan_serving.door import Ask, Door, Tiers
from groundplan_serving.errors import Fault, failed, last_line
from groundplan_serving.tiers import FeastService, ModelService, PreprocessingService

PREDICT = "/predict/feast/batch"


async def respond(door: Door, method: str, path: str, body: Callable[[], Any]) -> JSONResponse:
    """Answer one HTTP request: the prediction route, ``/healthz``, or one clear line."""
    try:
        return JSONResponse(await _route(door, method, path, body))
    except Fault as fault:
        headers = {"Retry-After": "1"} if fault.status == 503 else None
        return JSONResponse(fault.body(), status_code=fault.status, headers=headers)


async def _route(door: Door, method: str, path: str, body: Callable[[], Any]) -> dict[str, Any]:
    if path == PREDICT and method == "POST":
        return await door.predict(await body())
    if path == "/healthz" and method == "GET":
        return door.health()
    if path not in (PREDICT, "/healthz"):
        raise Fault(404, "no such route", path=path, allowed=f"POST {PREDICT}, GET /healthz")
    allowed = "POST" if path == PREDICT else "GET"
    raise Fault(405, "method not allowed", path=path, value=method, allowed=allowed)


async def reconfigure_all(
    config: dict[str, Any],
    door: Door,
    features: FeastService,
    preprocessing: PreprocessingService,
    model: ModelService,
) -> None:
    """Take over a :class:`LiveConfig` in one process, the door last."""
    live = LiveConfig.model_validate(config)
    features.reconfigure(config["features"])
    await preprocessing.reconfigure(config["halves"])
    await model.reconfigure(config["halves"])
    door.reconfigure(live.door)


def inside(features: FeastService, preprocessing: PreprocessingService, model: ModelService) -> Tiers:
    """Return tiers that are asked within this process."""
    return Tiers(
        features=local("FeastService", features.fetch),
        preprocessing=local("PreprocessingService", preprocessing.transform),
        model=local("ModelService", model.predict),
    )


def local(tier: str, call: Callable[..., Any]) -> Ask:
    """Return how a tier in this process is asked. Its own timeouts bound it: there is no other process to wait for."""

    async def ask(_deadline: float, *values: Any) -> Any:
        """Return the tier's answer. Raises :class:`Fault`."""
        try:
            answer = await call(*values)
        except Exception as error:
            raise failed(tier, last_line(error)) from error
        if isinstance(answer, Fault):
            raise answer
        return answer

    return ask
