"""Requests that come while others are at work go on together: fewer calls between tiers, no added wait.

With a free lane a request goes at once, alone. When all lanes are taken, what arrives is gathered, and the next free
lane takes all of it that is for one version (adaptive batching: the batch grows with the load only).
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from groundplan_serving.errors import TierFailed

Entities = list[dict[str, Any]]


@dataclass
class Trace:
    """How far a batch is: the tier that works on it, and the milliseconds that each one before took."""

    tier: str = "ForecastAPI"
    ms: dict[str, float] = field(default_factory=dict)


@dataclass
class Waiting:
    """One request's part: its entities, its deadline (of the event loop's clock), and where its answer will be."""

    version: int
    entities: Entities
    deadline: float
    answer: "asyncio.Future[Any]"
    trace: Trace = field(default_factory=Trace)


Run = Callable[[int, Entities, float, Trace], Awaitable[Any]]
#: (what ``run`` returned, first row, end row) → one request's part of it.
Cut = Callable[[Any, int, int], Any]


class Batches:
    """Leads requests through ``run(version, entities, deadline, trace)`` and cuts what it returns by request."""

    def __init__(self, run: Run, cut: Cut, lanes: int, max_rows: int) -> None:
        self._run, self._cut, self.lanes, self.max_rows = run, cut, lanes, max_rows
        self._queue: deque[Waiting] = deque()
        self._taken = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def put(self, version: int, entities: Entities, deadline: float) -> Waiting:
        """Take a request's entities; its ``answer`` will hold its part of the result, or what run raised."""
        mine = Waiting(version, entities, deadline, asyncio.get_running_loop().create_future())
        self._queue.append(mine)
        self._start()
        return mine

    def _start(self) -> None:
        while self._queue and self._taken < self.lanes:
            batch = self._next()
            if not batch:
                continue
            self._taken += 1
            task = asyncio.get_running_loop().create_task(self._work(batch))
            self._tasks.add(task)
            task.add_done_callback(self._done)

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._taken -= 1
        self._start()

    def _next(self) -> list[Waiting]:
        """Return the oldest request and, of those that wait, all that fit with it."""
        batch: list[Waiting] = []
        rows, rest = 0, deque[Waiting]()
        while self._queue:
            each = self._queue.popleft()
            if each.answer.done():  # nobody waits for it any more
                continue
            fits = not batch or (each.version == batch[0].version and rows + len(each.entities) <= self.max_rows)
            if fits:
                batch.append(each)
                rows += len(each.entities)
            else:
                rest.append(each)
        self._queue = rest
        return batch

    async def _work(self, batch: list[Waiting]) -> None:
        try:
            await self._answer(batch)
        except TierFailed as error:
            if len(batch) == 1:
                _refuse(batch[0], error)
                return
            # What one request brought must not fail the others.
            for each in batch:
                await self._work([each])
        except Exception as error:
            for each in batch:
                _refuse(each, error)

    async def _answer(self, batch: list[Waiting]) -> None:
        entities = batch[0].entities if len(batch) == 1 else [e for each in batch for e in each.entities]
        trace = Trace()
        for each in batch:
            each.trace = trace
        result = await self._run(batch[0].version, entities, max(each.deadline for each in batch), trace)
        start = 0
        for each in batch:
            end = start + len(each.entities)
            if not each.answer.done():
                each.answer.set_result(self._cut(result, start, end))
            start = end


def _refuse(waiting: Waiting, error: Exception) -> None:
    if not waiting.answer.done():
        waiting.answer.set_exception(error)
