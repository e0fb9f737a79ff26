"""Pulumi's mocks ask for the thread's event loop, which other tests' ``asyncio.run`` has taken away."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def event_loop() -> Iterator[None]:
    """Let the thread have an event loop, until the block ends."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
