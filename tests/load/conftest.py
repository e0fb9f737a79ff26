"""Shows the figures of a load test at the end of the run, whatever the verbosity."""

import pytest

LINES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session")
def shown(pytestconfig: pytest.Config) -> list[str]:
    """Lines that are shown at the end."""
    return pytestconfig.stash.setdefault(LINES, [])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Pytest's hook."""
    if config.stash.get(LINES, []):
        terminalreporter.section("load")
        terminalreporter.write("\n".join([*config.stash[LINES], ""]))
