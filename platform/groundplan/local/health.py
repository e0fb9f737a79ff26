"""Is a service healthy? One question each way a service can be asked."""

import http.client
import os
import socket
import subprocess
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KINDS = ("http", "tcp", "command")
#: How long one question may take, in seconds.
ANSWER = 10.0
#: Never through a proxy: everything is on this machine. A client of httpx would read all authorities at every question.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def healthy(health: Mapping[str, Any], environment: Mapping[str, str], folder: Path) -> bool:
    """Ask once. ``health`` is ``{kind: http, url}``, ``{kind: tcp, port}`` or ``{kind: command, command}``."""
    if health["kind"] == "http":
        return _http(str(health["url"]))
    if health["kind"] == "tcp":
        return _tcp(int(health["port"]))
    return _command([str(word) for word in health["command"]], environment, folder)


def _http(url: str) -> bool:
    try:
        with DIRECT.open(url, timeout=ANSWER):
            return True
    except (OSError, http.client.HTTPException):  # any status but success is an OSError, too
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
