"""The door: pins a version a request, splits by weights, names the tier that failed, shows requests to shadows."""

import asyncio
import json
from collections.abc import Coroutine
from typing import Any

import numpy as np
import pytest

from groundplan_runtime.block import Block
from groundplan_serving.config import DoorConfig
from groundplan_serving.door import Door, Tiers
from groundplan_serving.errors import Fault, unavailable
from groundplan_serving.log import Served

FEATURES = {
    "name": "fs",
    "views": {"v": {"join_keys": {"origin": "string"}, "fields": {"a": "float64"}}},
    "entities": {"origin": {"join_key": "origin", "type": "string"}},
}


class Kept:
    """A log in memory."""

    def __init__(self) -> None:
        self.served: list[Served] = []

    def add(self, served: Served) -> None:
        """Keep one."""
        self.served.append(served)


class World:
    """Three tiers in memory: the value is the version of both halves, so that a mix would show."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.down: str | None = None
        self.log = Kept()
        self.door = Door(Tiers(self.features, self.preprocessing, self.model), self.log)

    async def features(self, _: float, version: int, entities: list[dict[str, Any]]) -> Block:
        """Know every airport but XXX."""
        times = np.array([np.nan if each["origin"] == "XXX" else 1.0 for each in entities])
        return Block(len(entities), ("v__a",), np.full((len(entities), 1), 2.0), {}, {"v": times})

    async def preprocessing(self, _: float, version: int, block: Block) -> tuple[int, Any]:
        """Mark the rows with the version, when told to go on."""
        await self.go.wait()
        return version, block.numbers * version

    async def model(self, _: float, version: int, matrix: Any) -> tuple[int, Any]:
        """Add the version to what the preprocessor made."""
        if self.down:
            raise unavailable(self.down, "is down")
        return version, matrix[:, 0] * 1000 + version

    def tell(self, aliases: dict[str, int], traffic: dict[str, float], **more: Any) -> None:
        """Reconfigure the door."""
        features = {str(n): FEATURES for n in aliases.values()}
        told = {"model": "m", "aliases": aliases, "traffic": traffic, "features": features, "max_batch": 10, **more}
        self.door.reconfigure(DoorConfig.model_validate(told))

    async def ask(self, *origins: str) -> dict[str, Any]:
        """Ask for some airports."""
        return await self.door.predict(json.dumps({"entities": [{"origin": each} for each in origins]}).encode())


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run a test's coroutine."""
    asyncio.run(asyncio.wait_for(work, 10))


def test_an_answer_names_the_pair_that_made_it_and_is_logged() -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 7}, {"production": 100})
        answer = await world.ask("JFK", "LGA")
        assert [each["value"] for each in answer["predictions"]] == [14007.0, 14007.0]
        assert (answer["alias"], answer["preprocessor_version"], answer["model_version"]) == ("production", 7, 7)
        (served,) = world.log.served
        assert (served.version, served.role, served.keys) == (7, "answer", {"origin": ["JFK", "LGA"]})
        assert set(served.latency_ms) == {"FeastService", "PreprocessingService", "ModelService"}

    run(work())


def test_a_request_keeps_the_version_that_it_came_in_with() -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 1}, {"production": 100})
        world.go.clear()
        before = asyncio.create_task(world.ask("JFK"))
        while world.door.requests == 0:
            await asyncio.sleep(0)
        world.tell({"production": 2}, {"production": 100})
        after = asyncio.create_task(world.ask("JFK"))
        while world.door.requests < 2:
            await asyncio.sleep(0)
        world.go.set()
        assert [(await each)["predictions"][0]["value"] for each in (before, after)] == [2001.0, 4002.0]

    run(work())


def test_one_batch_over_two_aliases_is_answered_by_whole_pairs_row_by_row() -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 1, "staging": 2}, {"production": 50, "staging": 50})
        origins = [f"A{n}" for n in range(10)]
        answer = await world.ask(*origins)
        assert [each["entity"]["origin"] for each in answer["predictions"]] == origins
        assert {(each["alias"], each["version"], each["value"]) for each in answer["predictions"]} == {
            ("production", 1, 2001.0),
            ("staging", 2, 4002.0),
        }
        assert (answer["alias"], answer["preprocessor_version"], answer["model_version"]) == (None, None, None)

    run(work())


@pytest.mark.parametrize(
    ("origins", "down", "status", "said"),
    [
        (["JFK", "XXX"], None, 404, "feature view v knows nothing of this entity"),
        (["JFK"], "ModelService", 503, "ModelService is down"),
        (["JFK"] * 11, None, 413, "too many entities"),
    ],
)
def test_what_goes_wrong_is_one_line(origins: list[str], down: str | None, status: int, said: str) -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 1}, {"production": 100})
        world.down = down
        with pytest.raises(Fault, match=said) as caught:
            await world.ask(*origins)
        assert caught.value.status == status

    run(work())


def test_a_tier_that_stalls_is_named_and_a_full_door_refuses_at_once() -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 1}, {"production": 100}, timeout_s=0.05, max_requests=1)
        world.go.clear()
        stalled = asyncio.create_task(world.ask("JFK"))
        while world.door.requests == 0:
            await asyncio.sleep(0)
        with pytest.raises(Fault, match="ForecastAPI is overloaded"):
            await world.ask("JFK")
        with pytest.raises(Fault, match="PreprocessingService did not answer in time"):
            await stalled
        world.go.set()
        assert (await world.ask("JFK"))["model_version"] == 1

    run(work())


def test_an_alias_that_points_nowhere_gets_no_answer() -> None:
    async def work() -> None:
        world = World()
        with pytest.raises(Fault, match="no traffic yet"):
            await world.ask("JFK")
        world.tell({}, {"production": 100})
        with pytest.raises(Fault, match="points to no pair version"):
            await world.ask("JFK")

    run(work())


def test_a_shadow_answers_nobody_and_is_logged() -> None:
    async def work() -> None:
        world = World()
        world.tell({"production": 1, "latest": 2}, {"production": 100}, shadow=["latest"])
        answer = await world.ask("JFK")
        assert answer["model_version"] == 1
        while len(world.log.served) < 2:
            await asyncio.sleep(0)
        shadow = next(each for each in world.log.served if each.role == "shadow")
        assert (shadow.version, shadow.predictions.tolist()) == (2, [4002.0])
        assert shadow.request_id == world.log.served[0].request_id

    run(work())
