"""The unit tier talks to nobody but stand-ins on loopback."""

import pytest_socket


def pytest_runtest_setup() -> None:
    """Refuse every connection beyond loopback."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "::1", "localhost"], allow_unix_socket=True)
