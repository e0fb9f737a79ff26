"""The bridge and the provider, where this machine has them; checkov and the emulator in environments of their own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.aws.bridge import ensure_bridge, find_provider
from tests.support.aws.judge import Judge, judge
from tests.support.aws.registrations import Registration, collect, example
from tests.support.aws.skipping import needs
from tests.support.aws.types import TYPES
from tests.support.loops import event_loop


@pytest.fixture(autouse=True, scope="session")
def event_loop_of_the_thread() -> Iterator[None]:
    """An event loop for the mocks."""
    with event_loop():
        yield


@pytest.fixture(scope="session")
def provider() -> Path:
    """The real terraform-provider-aws."""
    found = find_provider()
    if found is None:
        pytest.skip("SKIPPED: no terraform-provider-aws in a Terraform mirror of this machine; see docs/aws.md")
    return found


@pytest.fixture(scope="session")
def bridge(provider: Path) -> Path:
    """Pulumi's bridge, built once."""
    with needs("Pulumi's Terraform bridge"):
        return ensure_bridge()


@pytest.fixture(scope="session")
def prod() -> list[Registration]:
    """Everything that stacks/prod.yaml registers on AWS."""
    return [each for each in collect(*example()) if each.type.startswith("aws:")]


@pytest.fixture(scope="session")
def judged(bridge: Path, provider: Path) -> Iterator[Judge]:
    """The provider, asked through the bridge."""
    with judge(bridge, provider, sorted(set(TYPES.values()))) as found:
        yield found
