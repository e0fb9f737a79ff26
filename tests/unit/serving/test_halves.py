"""A tier's held versions: what is let go of drains first, and what is wanted again stays."""

import asyncio
from typing import Any

import pytest

from groundplan_runtime.config import Runtime
from groundplan_serving import tiers
from groundplan_serving.errors import Fault
from groundplan_serving.tiers import ModelService


class Half:
    """A model that answers with the text it was loaded from."""

    def __init__(self, uri: str) -> None:
        self.uri = uri

    def predict(self, matrix: Any) -> Any:
        """Return where it came from."""
        return self.uri


class Matrix:
    """As much of an array as is looked at."""

    size = 1


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> ModelService:
    """A model tier without MLflow and without a platform."""
    runtime = type("Nothing", (), {"apply_environment": lambda self: None})()
    monkeypatch.setattr(Runtime, "load", classmethod(lambda cls: runtime))
    monkeypatch.setattr(tiers, "load_model", Half)
    return ModelService()


def told(*versions: int, drain_s: float = 0.05) -> dict[str, Any]:
    """What a tier is told."""
    uris = {str(n): {"preprocessor": f"p{n}", "model": f"m{n}"} for n in versions}
    return {"versions": uris, "drain_s": drain_s}


async def gone(service: ModelService, version: int) -> None:
    """Poll until a version is not held."""
    end = asyncio.get_running_loop().time() + 5
    while not isinstance(await service.predict(version, Matrix()), Fault):
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.005)


def test_a_version_that_is_let_go_of_answers_until_it_is_drained(service: ModelService) -> None:
    async def work() -> None:
        await service.reconfigure(told(1, 2))
        await service.reconfigure(told(2))
        assert await service.predict(1, Matrix()) == (1, "m1")
        await gone(service, 1)
        assert await service.predict(2, Matrix()) == (2, "m2")

    asyncio.run(work())


def test_a_version_that_is_wanted_again_stays_and_drains_anew(service: ModelService) -> None:
    async def work() -> None:
        loop = asyncio.get_running_loop()
        await service.reconfigure(told(1, 2))
        await service.reconfigure(told(2))
        await service.reconfigure(told(1, 2))
        dropped = loop.time()
        await service.reconfigure(told(2, drain_s=0.2))
        await gone(service, 1)
        assert loop.time() - dropped >= 0.2

    asyncio.run(work())


def test_a_version_that_is_not_held_is_refused_by_name(service: ModelService) -> None:
    async def work() -> None:
        await service.reconfigure(told(1))
        answer = await service.predict(3, Matrix())
        assert isinstance(answer, Fault)
        assert (answer.status, answer.what) == (503, "ModelService does not hold version 3, only ['1']")

    asyncio.run(work())
