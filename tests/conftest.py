"""For every tier: property tests that a busy machine does not fail, and what may run beside what."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("shared-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared-machine")

TESTS = Path(__file__).parent
#: Tiers whose files share what they started, or follow one another.
TOGETHER = tuple(TESTS / tier for tier in ("e2e", "crash", "browser"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """For `--dist loadgroup`: what shares servers stays together, a tier or a folder of the runtime tier."""
    for item in items:
        item.add_marker(pytest.mark.xdist_group(str(_group(item.path))))


def _group(file: Path) -> Path:
    if tier := next((each for each in TOGETHER if file.is_relative_to(each)), None):
        return tier
    runtime = TESTS / "runtime"
    return file.parent if file.is_relative_to(runtime) and file.parent != runtime else file
