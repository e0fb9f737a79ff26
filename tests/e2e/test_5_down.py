"""``down`` leaves no process or port; with ``PURGE=1`` no file either."""

import socket

from tests.support.clone import SPAN, Clone


def test_down_stops_everything_and_keeps_the_data(clone: Clone) -> None:
    said = clone.run("make", "down").stdout
    assert "kept" in said
    assert clone.processes() == []
    for offset in range(SPAN):
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", clone.port_base + offset)) != 0
    assert (clone.path / ".groundplan/local/database").is_dir()


def test_up_after_down_finds_its_data_again(clone: Clone) -> None:
    clone.run("make", "up")
    body = clone.predict([{"origin": "JFK", "carrier": "AA"}]).json()
    assert body["preprocessor_version"] == body["model_version"]
    assert clone.steps() == {}


def test_purge_leaves_no_file(clone: Clone) -> None:
    clone.run("make", "down", "PURGE=1")
    assert clone.processes() == []
    status = clone.run("git", "status", "--short", "--ignored").stdout
    left = [line for line in status.splitlines() if ".venv" not in line and "__pycache__" not in line]
    assert left in ([], [" M stacks/local.yaml"])
