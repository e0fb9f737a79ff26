"""The tunnel's process: tried until the machine is known, held while it is needed, ended with all below it.

``aws`` is a stand-in here that does what Session Manager's plugin does at this end: it listens, and carries bytes.
"""

import os
import socket
import sys
from pathlib import Path

import psutil
import pytest

from groundplan.account.session import open_tunnel, tunnel
from groundplan.errors import ToolError
from tests.support.kube.children import until

AWS = """\
import pathlib, socket, subprocess, sys, time
tries = pathlib.Path({tries!r})
tries.write_text(tries.read_text() + "x")
if len(tries.read_text()) < {good}:
    sys.exit("An error occurred (TargetNotConnected) when calling the StartSession operation: i-1 is not connected.")
subprocess.Popen([sys.executable, "-c", '''
import socket
with socket.create_server(("127.0.0.1", {port})) as door:
    while True:
        door.accept()[0].close()
''']).wait()
"""
pytestmark = pytest.mark.enable_socket


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def command(folder: Path, port: int, good: int) -> str:
    """The command line of an ``aws`` that opens at its ``good``th try."""
    (folder / "tries").write_text("")
    (folder / "aws.py").write_text(AWS.format(tries=str(folder / "tries"), good=good, port=port))
    return f"{sys.executable} {folder / 'aws.py'} ssm start-session --target i-1"


def carries(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def below() -> list[psutil.Process]:
    return psutil.Process(os.getpid()).children(recursive=True)


def test_it_is_tried_until_the_machine_is_known_and_gone_afterwards(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("groundplan.account.session.PAUSE", 0.05)
    before = below()
    with tunnel(command(tmp_path, port, good=3), port, patience=30):
        assert carries(port)
    assert (tmp_path / "tries").read_text() == "xxx"
    # The plugin is told with the CLI that started it, and may be the later one to go.
    until(lambda: not carries(port) and below() == before, "the tunnel is gone", 10)


def test_a_tunnel_that_is_open_is_left_alone(tmp_path: Path, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)):
        assert open_tunnel(command(tmp_path, port, good=1), port) is None
    assert (tmp_path / "tries").read_text() == ""


def test_one_that_does_not_open_is_one_line(tmp_path: Path, port: int) -> None:
    with pytest.raises(ToolError, match=rf"port {port}: .*TargetNotConnected.*; fix: aws and its session-manager") as e:
        open_tunnel(command(tmp_path, port, good=99), port, patience=1)
    assert "\n" not in str(e.value)


def test_a_machine_without_the_program_is_told_at_once(port: int) -> None:
    with pytest.raises(ToolError, match="no-such-aws is not on the PATH"):
        open_tunnel("no-such-aws ssm start-session", port)
