"""Requests that come while others are at work go on together, each with its own part of the answer and its own fate."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from groundplan_serving.batches import Batches, Trace
from groundplan_serving.errors import Fault, TierFailed

FAR = 1e9


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(work, 10))


class Tiers:
    """Answers each entity with its id and the version; held back until told."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.calls: list[tuple[int, int]] = []

    async def through(self, version: int, entities: list[dict[str, Any]], _: float, trace: Trace) -> list[Any]:
        """Lead a batch through."""
        self.calls.append((version, len(entities)))
        trace.tier = "ModelService"
        await self.go.wait()
        if any(each["id"] == "poison" for each in entities):
            raise TierFailed(503, "it broke")
        return [(each["id"], version) for each in entities]


def made(tiers: Tiers, lanes: int = 1, rows: int = 100) -> Batches:
    """Batches of lists."""
    return Batches(tiers.through, lambda found, start, end: found[start:end], lanes, rows)


def test_what_waits_for_a_lane_goes_together_and_no_version_is_mixed() -> None:
    async def work() -> None:
        tiers = Tiers()
        batches = made(tiers)
        first = batches.put(1, [{"id": "a"}], FAR)
        waiting = [batches.put(version, [{"id": f"{n}"}], FAR) for n, version in enumerate((1, 2, 1, 1, 2))]
        await asyncio.sleep(0)
        tiers.go.set()
        assert await first.answer == [("a", 1)]
        assert [await each.answer for each in waiting] == [[(f"{n}", v)] for n, v in enumerate((1, 2, 1, 1, 2))]
        assert tiers.calls == [(1, 1), (1, 3), (2, 2)]

    run(work())


def test_a_batch_has_no_more_rows_than_it_may_but_a_large_request_goes_alone() -> None:
    async def work() -> None:
        tiers = Tiers()
        batches = made(tiers, rows=3)
        waiting = [batches.put(1, [{"id": 0}] * size, FAR) for size in (1, 2, 2, 5)]
        tiers.go.set()
        await asyncio.gather(*(each.answer for each in waiting))
        assert [rows for _, rows in tiers.calls] == [1, 2, 2, 5]

    run(work())


def test_what_one_request_breaks_fails_no_other() -> None:
    async def work() -> None:
        tiers = Tiers()
        batches = made(tiers)
        batches.put(1, [{"id": "a"}], FAR)
        good, poison = batches.put(1, [{"id": "b"}], FAR), batches.put(1, [{"id": "poison"}], FAR)
        tiers.go.set()
        assert await good.answer == [("b", 1)]
        with pytest.raises(Fault, match="it broke"):
            await poison.answer

    run(work())


def test_who_no_longer_waits_is_not_worked_for_and_the_lane_is_free_again() -> None:
    async def work() -> None:
        tiers = Tiers()
        batches = made(tiers)
        batches.put(1, [{"id": "a"}], FAR)
        gone = batches.put(1, [{"id": "b"}], FAR)
        gone.answer.cancel()
        tiers.go.set()
        last = batches.put(1, [{"id": "c"}], FAR)
        assert await last.answer == [("c", 1)]
        assert [rows for _, rows in tiers.calls] == [1, 1]

    run(work())
