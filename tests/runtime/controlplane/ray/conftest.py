"""One Ray of the local stack's own kind for the adapters' tests, and an application for it to serve."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundplan.local import code
from groundplan_runtime.config import Runtime
from tests.support.clone import free_port_base
from tests.support.local_stack import SOURCES, LocalStack, make_site

# The real tiers; only the features come from memory.
APPLICATION = """
import numpy as np

from groundplan_runtime.block import Block
from groundplan_serving.app import deployment
from groundplan_serving.ingress import ForecastAPI
from groundplan_serving.tiers import ModelService, PreprocessingService


class FeastService:
    def reconfigure(self, user_config):
        pass

    async def ready(self):
        return True

    async def fetch(self, version, entities):
        rows = len(entities)
        return Block(rows, ("v__a",), np.full((rows, 1), 2.0), {}, {"v": np.ones(rows)})


def build(args):
    if args["shape"] == "broken":
        raise ValueError("this application cannot be built")
    halves = (deployment(PreprocessingService).bind(), deployment(ModelService).bind())
    return deployment(ForecastAPI).bind(args, deployment(FeastService).bind(), *halves)
"""


@dataclass
class RayStack:
    """A running Ray: how it is found, and its stack, to break it."""

    runtime: Runtime
    stack: LocalStack


@pytest.fixture(scope="package")
def ray_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayStack]:
    """Ray with Serve, on loopback, with token authentication."""
    folder = tmp_path_factory.mktemp("ray")
    (folder / "toy_application").mkdir()
    (folder / "toy_application" / "__init__.py").write_text(APPLICATION)
    sources = (*SOURCES, str(folder / "toy_application"))
    digest = code.digest([Path(source) for source in sources])
    site = make_site(folder / "data", free_port_base(), str(uuid.uuid4()), sources=sources, code=digest)
    made = LocalStack(site, ["Ray"])
    try:
        made.up()
        yield RayStack(Runtime.load(Path(site.folder) / "runtime.json"), made)
    finally:
        made.down()
        for process in made.processes():
            process.kill()
