"""For every tier: property tests that a busy machine does not fail, and what may run beside what."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

RUNTIME = Path(__file__).parent / "runtime"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: a folder of the runtime tier stays together, whose tests share servers; else a file."""
    for item in items:
        shared = item.path.parent if item.path.parent != RUNTIME else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared) if item.path.is_relative_to(RUNTIME) else str(item.path)))
