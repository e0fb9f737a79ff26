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


@pytest.fixture(autouse=True, scope="module")
def nobodys_account() -> Iterator[None]:
    """No credentials of AWS, whatever this machine has: a program would ask an account by them. Nor a tunnel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groundplan.account.ask.signed_in", lambda: False)
        patch.setattr("groundplan.account.session._carries", lambda port: True)
        yield
