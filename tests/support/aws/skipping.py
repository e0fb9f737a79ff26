"""What a machine may lack, and CI may not: there a tool that cannot be had fails, elsewhere it is said and skipped."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from groundplan.errors import ToolError


@contextmanager
def needs(what: str) -> Iterator[None]:
    """Skip what needs a tool that cannot be had on this machine; ToolError where CI is set."""
    try:
        yield
    except ToolError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"SKIPPED: {what} cannot be had here: {error}")
