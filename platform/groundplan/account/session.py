"""The tunnel to a private Kubernetes API: Session Manager's, by the AWS CLI, open for as long as the engine works."""

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import IO

from groundplan.errors import ToolError

#: The stack's output that holds the command.
TUNNEL = "tunnel"
#: Seconds in which a machine that has just been made tells Session Manager of itself, and between two tries.
PATIENCE, PAUSE = 300.0, 3.0
FIX = "aws and its session-manager-plugin on the PATH, and credentials that may start a session"


@contextlib.contextmanager
def tunnel(command: str, port: int, patience: float = PATIENCE) -> Iterator[None]:
    """Keep what ``command`` opens at a port of this machine open; one that is open already is somebody else's.

    Raises ToolError, one line, when it does not open within ``patience`` seconds.
    """
    held = open_tunnel(command, port, patience)
    try:
        yield
    finally:
        if held is not None:
            close_tunnel(held)


def open_tunnel(command: str, port: int, patience: float = PATIENCE) -> "subprocess.Popen[bytes] | None":
    """Return the process that holds the tunnel once it carries; None when the port was open. ToolError: see above."""
    if _carries(port):
        return None
    end, said = time.monotonic() + patience, ""
    while time.monotonic() < end:
        with tempfile.TemporaryFile() as told:
            held = _start(command, told)
            if _wait(held, port, end):
                return held
            close_tunnel(held)
            said = _last(told) or said
        time.sleep(min(PAUSE, max(end - time.monotonic(), 0)))
    raise ToolError(f"no tunnel to the Kubernetes API at port {port}: {said or 'it did not open'}; fix: {FIX}")


def close_tunnel(held: "subprocess.Popen[bytes]") -> None:
    """End a tunnel and the plugin below it."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(held.pid, signal.SIGTERM)
    try:
        held.wait(timeout=10)
    except subprocess.TimeoutExpired:
        os.killpg(held.pid, signal.SIGKILL)
        held.wait(timeout=10)


def _start(command: str, told: IO[bytes]) -> "subprocess.Popen[bytes]":
    words = shlex.split(command)
    try:
        # In a group of its own: a Ctrl-C that the engine still works on must not take its way to the cluster.
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told, start_new_session=True
        )
    except FileNotFoundError:
        raise ToolError(f"no tunnel to the Kubernetes API: {words[0]} is not on the PATH; fix: {FIX}") from None


def _wait(held: "subprocess.Popen[bytes]", port: int, end: float) -> bool:
    while time.monotonic() < end and held.poll() is None:
        if _carries(port):
            return True
        time.sleep(0.1)
    return False


def _carries(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _last(told: IO[bytes]) -> str:
    told.seek(0)
    lines = told.read().decode(errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
