"""What every deployment onto mocks needs: an event loop, and no account."""

from collections.abc import Iterator

import pytest
from tests.support.loops import event_loop


@pytest.fixture(autouse=True, scope="module")
def event_loop_of_the_thread() -> Iterator[None]:
    """An event loop for the module's deployments."""
    with event_loop():
        yield


@pytest.fixture(autouse=True, scope="module")
def nobodys_account() -> Iterator[None]:
    """No credentials of AWS, whatever this machine has: a program would ask an account by them. Nor a tunnel."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("groundplan.account.ask.signed_in", lambda: False)
        patch.setattr("groundplan.account.session._carries", lambda port: True)
        yield
