"""ForecastAPI and FusedAPI: an application's HTTP side on Ray Serve, and how a door asks tiers in other processes."""

import asyncio
from collections.abc import Callable
from typing import Any

from ray.exceptions import RayActorError, RayError
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError
from starlette.requests import Request
from starlette.responses import JSONResponse

from groundplan_runtime.config import Runtime
from groundplan_serving.config import Args, DoorConfig
from groundplan_serving.door import Door, Tiers
from groundplan_serving.entry import Entry
from groundplan_serving.errors import Fault, failed, last_line, unavailable
from groundplan_serving.inside import inside, reconfigure_all, respond
from groundplan_serving.load import Load
from groundplan_serving.log import PredictionLog
from groundplan_serving.tiers import FeastService, ModelService, PreprocessingService

#: Seconds in which a new door finds its tiers.
FIND = 20.0
#: Bytes from which a call goes through Ray's shared memory: without a copy, but by way of its object store
#: (benchmarks/between_tiers.py: slower below about this, three times as fast from some MB on).
LARGE = 2**20
#: Bytes of a feature's value.
VALUE = 8


class _Serving:
    """What both topologies on Ray Serve share."""

    def __init__(self, args: dict[str, Any], tiers: Tiers) -> None:
        named = Args.model_validate(args)
        runtime = Runtime.load()
        runtime.apply_environment()
        self._entry = Entry(runtime)
        self._log = PredictionLog(runtime, named.project, named.application)
        self._door = Door(tiers, self._log)
        self._load = Load()

    async def __call__(self, request: Request) -> JSONResponse:
        """Answer one HTTP request."""
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        refused = self._entry.refused(request, path)
        return refused or await respond(self._door, request.method, path, request.body)

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """Return what Serve scales by."""
        return self._load.stats()

    async def __del__(self) -> None:
        """Serve awaits this when a replica stops: nothing that was answered is missing from the log."""
        await asyncio.to_thread(self._log.close)


class ForecastAPI(_Serving):
    """The door of four tiers: one deployment each."""

    def __init__(self, args: dict[str, Any], features: Any, preprocessing: Any, model: Any) -> None:
        tiers = Tiers(
            features=Remote("FeastService", features, "fetch", self._block_bytes),
            preprocessing=Remote("PreprocessingService", preprocessing, "transform", lambda _, block: block.nbytes),
            model=Remote("ModelService", model, "predict", lambda _, matrix: matrix.nbytes),
        )
        super().__init__(args, tiers)
        self._handles = [features, preprocessing, model]
        self._found = False

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Flip the pointer: requests from now on pin by the new one; those under way keep theirs."""
        self._door.reconfigure(DoorConfig.model_validate(user_config))
        if not self._found:
            await self._find()

    def _block_bytes(self, version: int, entities: list[dict[str, Any]]) -> int:
        """Return about how large the features of a request will be."""
        live = self._door.live.features.get(str(version))
        columns = sum(len(view.fields) + 1 for view in live.views.values()) if live else 0
        return len(entities) * columns * VALUE

    async def _find(self) -> None:
        """Ask every tier once: the first call through a handle takes seconds, which no request should pay.

        A tier that is not there yet is none of this replica's failure: requests will say so.
        """
        asked = [asyncio.ensure_future(_awaited(handle.ready, ())) for handle in self._handles]
        done, pending = await asyncio.wait(asked, timeout=FIND)
        for task in pending:
            task.cancel()
        self._found = len(done) == len(asked) and all(task.exception() is None for task in done)


class FusedAPI(_Serving):
    """The door and its tiers in one deployment, for small models."""

    def __init__(self, args: dict[str, Any]) -> None:
        self._features, self._preprocessing, self._model = FeastService(args), PreprocessingService(), ModelService()
        super().__init__(args, inside(self._features, self._preprocessing, self._model))

    async def reconfigure(self, user_config: dict[str, Any]) -> None:
        """Load what is new, then flip: the door never names a version that is not held here."""
        await reconfigure_all(user_config, self._door, self._features, self._preprocessing, self._model)


class Remote:
    """How a tier behind a Serve handle is asked, within the time that is left.

    ``size`` says about how many bytes the values, or the answer, will have. Whatever goes wrong there is a 503 with its
    name. When a replica dies with a request, another one is asked, once: predictions have no side effects.
    """

    def __init__(self, tier: str, handle: Any, method: str, size: Callable[..., int]) -> None:
        self._tier, self._size = tier, size
        self._method = getattr(handle, method)
        self._by_reference = getattr(handle.options(_by_reference=True), method)

    async def __call__(self, deadline: float, *values: Any) -> Any:
        """Return the tier's answer. Raises :class:`Fault`."""
        try:
            answer = await self._within(deadline, values)
        except RayActorError:
            answer = await self._again(deadline, values)
        if isinstance(answer, Fault):
            # A tier returns what it refuses instead of raising it: a user's mistake is no failure in its log.
            raise answer
        return answer

    async def _again(self, deadline: float, values: tuple[Any, ...]) -> Any:
        try:
            return await self._within(deadline, values)
        except RayActorError:
            raise unavailable(self._tier, "is down") from None

    async def _within(self, deadline: float, values: tuple[Any, ...]) -> Any:
        left = max(deadline - asyncio.get_running_loop().time(), 0.001)
        method = self._by_reference if self._size(*values) > LARGE else self._method
        try:
            return await asyncio.wait_for(_awaited(method, values), timeout=left)
        except TimeoutError:
            raise unavailable(self._tier, "did not answer in time") from None
        except BackPressureError:
            raise unavailable(self._tier, "is overloaded") from None
        except DeploymentUnavailableError:
            raise unavailable(self._tier, "is down") from None
        except RayActorError:
            raise
        except RayError as error:
            raise failed(self._tier, last_line(error)) from error


async def _awaited(method: Any, values: tuple[Any, ...]) -> Any:
    return await method.remote(*values)
