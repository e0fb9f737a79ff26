"""Is a service healthy? One question each way a service can be asked."""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

KINDS = ("http", "tcp", "command")
#: How long one question may take, in seconds.
ANSWER = 10.0


def healthy(health: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> bool:
    """Ask once. ``health`` is ``{kind: http, url}``, ``{kind: tcp, port}`` or ``{kind: command, command}``."""
    if health["kind"] == "http":
        return _http(str(health["url"]))
    if health["kind"] == "tcp":
        return _tcp(int(health["port"]))
    return _command([str(word) for word in health["command"]], environment, folder)


def _http(url: str) -> bool:
    try:
        return httpx.get(url, timeout=ANSWER, trust_env=False).is_success
    except httpx.HTTPError:
        return False


def _tcp(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER):
            return True
    except OSError:
        return False


def _command(command: list[str], environment: Mapping[str, str], folder: Path) -> bool:
    try:
        done = subprocess.run(
            command, env=dict(environment), cwd=folder, capture_output=True, timeout=ANSWER, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == os.EX_OK
