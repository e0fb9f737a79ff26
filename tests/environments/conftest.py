"""Two environments of one clone, each a whole local stack: what the tests of promotion between them drive."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.clone import Clone, free_port_base, make_clone

ENVIRONMENTS = ("dev", "staging")


@contextmanager
def two_stacks(folder: Path, source: str = "{stack: dev}") -> Iterator[Clone]:
    """A clone with dev and staging up; everything that was started is stopped at the end, whatever happened."""
    made = make_clone(folder / "clone")
    made.edit("projects/flights/training/delay.yaml", r"n_estimators: \d+", "n_estimators: 60")
    made.edit("stacks/staging.yaml", r"source: .*", f"source: {source}")
    made.run("make", ".venv/deploy")
    try:
        for name in ENVIRONMENTS:
            made.edit(f"stacks/{name}.yaml", r"port_base: \d+", f"port_base: {free_port_base()}")
            made.groundplan("up", name)
        yield made
    finally:
        for name in reversed(ENVIRONMENTS):
            made.groundplan("down", name, "--yes", "--purge", ok=False)
        for process in made.processes():  # what a failed `down` left
            process.kill()
        shutil.rmtree(made.path, ignore_errors=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with dev and staging, each with a registry of its own."""
    with two_stacks(tmp_path_factory.mktemp("environments")) as made:
        yield made


def status(clone: Clone, env: str) -> dict[str, Any]:
    """What an environment is."""
    return dict(json.loads(clone.groundplan("status", env, "--json").stdout))


def model(clone: Clone, env: str) -> dict[str, Any]:
    """The model in an environment."""
    return dict(next(each for each in status(clone, env)["models"] if each["name"] == "delay"))


def predicted(clone: Clone, env: str) -> dict[str, Any]:
    """What an environment's application answers."""
    answer = clone.groundplan("predict", "flights/delay", "--env", env, "--entity", "origin=JFK,carrier=AA", "--json")
    return dict(json.loads(answer.stdout))


def value(answer: dict[str, Any]) -> float:
    """The one prediction in an answer."""
    return float(answer["predictions"][0]["value"])
