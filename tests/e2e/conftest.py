"""One clone, brought up once, for the whole tier; its tests run in the order of their file names."""

import shutil
from collections.abc import Iterator

import pytest

from tests.support.clone import Clone, make_clone


@pytest.fixture(scope="session")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A fresh clone after ``make up``; everything it started is stopped at the end, whatever happened."""
    clone = make_clone(tmp_path_factory.mktemp("e2e") / "clone")
    try:
        clone.first_up = clone.run("make", "up").stdout
        yield clone
    finally:
        clone.stop()
        shutil.rmtree(clone.path, ignore_errors=True)
