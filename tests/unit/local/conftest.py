"""A claimed data folder, and a call of the engine that takes down what it is told."""

from pathlib import Path

import pytest

from groundplan.local.folder import Folder, Owner
from groundplan.provider.handler import Context


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """A data folder of stack ``s1``."""
    made = Folder((tmp_path / "data").resolve(), "s1")
    made.claim(Owner("s1", "local", str(tmp_path)))
    return made


@pytest.fixture
def said() -> list[str]:
    """What a handler reported."""
    return []


@pytest.fixture
def ctx(said: list[str]) -> Context:
    """A call that is no preview."""
    return Context("urn", "name", False, said.append, said.append, {})
