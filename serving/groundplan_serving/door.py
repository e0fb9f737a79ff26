"""The one door of an application, whatever its topology: pins one pair version a request, leads it through the tiers.

Protocol: ``docs/adr/0004-the-pair-and-who-owns-it.md``. The tiers never see an alias.
"""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from groundplan_runtime.block import Block
from groundplan_serving.batches import Batches, Entities, Trace, Waiting
from groundplan_serving.config import DoorConfig
from groundplan_serving.errors import Fault, unavailable
from groundplan_serving.log import Served
from groundplan_serving.request import check_rows, parse
from groundplan_serving.traffic import split

#: Asks one tier; ``deadline`` is of the event loop's clock. Raises :class:`Fault` 503 with the tier's name.
Ask = Callable[..., Awaitable[Any]]
#: Shadow requests on their way at a time; more are not asked, and counted.
SHADOWS = 8


class Log(Protocol):
    """Where answers are kept."""

    def add(self, served: Served) -> None:
        """Keep one; never blocks."""


@dataclass(frozen=True)
class Tiers:
    """How the three tiers behind the door are asked: ``ask(deadline, version, …)``."""

    features: Ask
    preprocessing: Ask
    model: Ask


@dataclass(frozen=True)
class Result:
    """What one version says of some entities: values (shape (rows,)), the features it saw, who did the work."""

    block: Block
    values: Any
    made_by: int
    answered_by: int

    def cut(self, start: int, end: int) -> "Result":
        """Return the rows from ``start`` up to ``end``."""
        if (start, end) == (0, self.block.rows):
            return self
        rows = list(range(start, end))
        return Result(self.block.take(rows), self.values[start:end], self.made_by, self.answered_by)


class Door:
    """Validates, pins, asks the tiers in batches, forms the answer, logs it, shows it to shadows."""

    def __init__(self, tiers: Tiers, log: Log | None = None) -> None:
        self._tiers, self._log = tiers, log
        self.live = DoorConfig()
        self._batches = Batches(self._through, Result.cut, self.live.lanes, self.live.max_batch)
        self._requests = 0
        self._shadows: set[asyncio.Task[None]] = set()
        self.shadows_left_out = 0

    def reconfigure(self, live: DoorConfig) -> None:
        """Take over the new pointer: requests from now on pin by it; those under way keep what they pinned."""
        self.live = live
        self._batches.lanes, self._batches.max_rows = live.lanes, live.max_batch

    @property
    def requests(self) -> int:
        """Requests at work or waiting."""
        return self._requests

    def health(self) -> dict[str, Any]:
        """Return what answers now."""
        live = self.live
        return {
            "status": "ok" if all(alias in live.aliases for alias in live.traffic) else "waiting",
            "model": live.model,
            "traffic": dict(live.traffic),
            "aliases": dict(live.aliases),
            "shadow": list(live.shadow),
            "shadows_left_out": self.shadows_left_out,
        }

    async def predict(self, body: bytes) -> dict[str, Any]:
        """Return the answer to one request. Raises :class:`Fault`."""
        live = self.live
        if self._requests >= live.max_requests:
            raise unavailable("ForecastAPI", f"is overloaded: {live.max_requests} requests are at work")
        self._requests += 1
        try:
            return await self._predict(live, body)
        finally:
            self._requests -= 1

    async def _predict(self, live: DoorConfig, body: bytes) -> dict[str, Any]:
        deadline = asyncio.get_running_loop().time() + live.timeout_s
        entities = parse(body, live.max_batch)
        groups = split(entities, live.traffic, live.sticky) if live.traffic else {}
        pinned = {alias: _version(live, alias) for alias in groups}
        if not pinned:
            raise Fault(503, f"{live.model or 'the application'} has no traffic yet", path="traffic")
        for alias, version in pinned.items():
            keys = live.features[str(version)].entities.values()
            check_rows({row: entities[row] for row in groups[alias]}, list(keys))
        request = uuid.uuid4().hex
        results = await self._answers(live, request, entities, groups, pinned, deadline)
        return _answer(live, entities, groups, pinned, results)

    async def _answers(
        self,
        live: DoorConfig,
        request: str,
        entities: Entities,
        groups: Mapping[str, Sequence[int]],
        pinned: Mapping[str, int],
        deadline: float,
    ) -> dict[str, Result]:
        waiting = {
            alias: self._batches.put(version, _rows(entities, groups[alias]), deadline)
            for alias, version in pinned.items()
        }
        results = {alias: await self._one(live, waiting[alias], groups[alias]) for alias in pinned}
        for alias, result in results.items():
            at_work = waiting[alias]
            self._keep(request, alias, "answer", at_work, result)
            self._show(live, request, at_work, result.answered_by)
        return results

    async def _one(self, live: DoorConfig, waiting: Waiting, positions: Sequence[int]) -> Result:
        """Return one group's result. 503 with the tier's name when time is up, 404 for an entity nobody knows."""
        left = max(waiting.deadline - asyncio.get_running_loop().time(), 0.001)
        try:
            result: Result = await asyncio.wait_for(waiting.answer, left)
        except TimeoutError:
            raise unavailable(waiting.trace.tier, "did not answer in time") from None
        _known(result.block, waiting.entities, positions)
        return result

    async def _through(self, version: int, entities: Entities, deadline: float, trace: Trace) -> Result:
        """Lead a batch through the tiers; each says which version did the work."""
        block = await self._timed(trace, "FeastService", self._tiers.features(deadline, version, entities))
        made = self._tiers.preprocessing(deadline, version, block)
        made_by, matrix = await self._timed(trace, "PreprocessingService", made)
        predicted = self._tiers.model(deadline, version, matrix)
        answered_by, values = await self._timed(trace, "ModelService", predicted)
        return Result(block, values, made_by, answered_by)

    async def _timed(self, trace: Trace, tier: str, call: Awaitable[Any]) -> Any:
        trace.tier, begun = tier, time.perf_counter()
        answer = await call
        trace.ms[tier] = (time.perf_counter() - begun) * 1000
        return answer

    def _keep(self, request: str, alias: str, role: str, waiting: Waiting, result: Result) -> None:
        if self._log is None:
            return
        keys = {key: [entity[key] for entity in waiting.entities] for key in waiting.entities[0]}
        self._log.add(
            Served(
                request_id=request,
                at=time.time(),
                alias=alias,
                version=result.answered_by,
                role=role,
                keys=keys,
                block=result.block,
                predictions=result.values,
                latency_ms=dict(waiting.trace.ms),
            )
        )

    def _show(self, live: DoorConfig, request: str, answered: Waiting, version: int) -> None:
        """Ask the shadows too, after the answer: nobody waits for them."""
        for alias in live.shadow:
            shadow = live.aliases.get(alias)
            if shadow is None or shadow == version:
                continue
            if len(self._shadows) >= SHADOWS:
                self.shadows_left_out += 1
                continue
            task = asyncio.get_running_loop().create_task(self._shadow(request, alias, shadow, answered.entities))
            self._shadows.add(task)
            task.add_done_callback(self._shadows.discard)

    async def _shadow(self, request: str, alias: str, version: int, entities: Entities) -> None:
        deadline = asyncio.get_running_loop().time() + self.live.timeout_s
        waiting = Waiting(version, entities, deadline, asyncio.get_running_loop().create_future())
        try:
            result = await self._through(version, entities, deadline, waiting.trace)
        except Exception:  # an answer that nobody waits for: the log shows it missing, the count says how often
            self.shadows_left_out += 1
            return
        self._keep(request, alias, "shadow", waiting, result)


def _rows(entities: Entities, positions: Sequence[int]) -> Entities:
    return entities if len(positions) == len(entities) else [entities[row] for row in positions]


def _version(live: DoorConfig, alias: str) -> int:
    version = live.aliases.get(alias)
    if version is None:
        raise Fault(503, f"alias {alias} of model {live.model} points to no pair version yet", path="alias")
    return version


def _known(block: Block, entities: Entities, positions: Sequence[int]) -> None:
    """Raise 404 for the first row that a view knows nothing of."""
    for view, times in block.times.items():
        unknown = times != times  # NaN
        if not unknown.any():
            continue
        row = int(unknown.argmax())
        known = ", ".join(f"{key}={value}" for key, value in entities[row].items())
        what, fix = f"feature view {view} knows nothing of this entity", "check the keys, or materialize the view"
        raise Fault(404, what, f"entities[{positions[row]}]", known, fix=fix)


def _answer(
    live: DoorConfig,
    entities: Entities,
    groups: Mapping[str, Sequence[int]],
    pinned: Mapping[str, int],
    results: Mapping[str, Result],
) -> dict[str, Any]:
    predictions: list[Any] = [None] * len(entities)
    for alias, result in results.items():
        for row, value in zip(groups[alias], result.values.tolist(), strict=True):
            predictions[row] = {"entity": entities[row], "value": value, "alias": alias, "version": pinned[alias]}
    only = next(iter(results)) if len(results) == 1 else None
    return {
        "predictions": predictions,
        "model": live.model,
        "alias": only,
        "preprocessor_version": results[only].made_by if only else None,
        "model_version": results[only].answered_by if only else None,
    }
