"""Pulumi's mocks ask for the thread's event loop, which other tests' ``asyncio.run`` has taken away."""

import asyncio
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True, scope="module")
def event_loop_of_the_thread() -> Iterator[None]:
    """An event loop for the module's deployments."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
