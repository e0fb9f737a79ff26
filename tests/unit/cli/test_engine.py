"""The engine as the commands drive it: exit codes, its display, locks, leftovers, Ctrl-C."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from groundplan.cli import up
from tests.unit.cli.conftest import Desk


@pytest.fixture(autouse=True)
def no_summary(monkeypatch: pytest.MonkeyPatch) -> None:
    """What `up` ends with needs a platform: tested end to end."""
    monkeypatch.setattr(up, "summarize", lambda *_: None)


@pytest.mark.parametrize(("engine", "ours"), [(0, 0), (7, 2), (1, 1), (4, 1), (255, 1)])
def test_preview_exits_0_for_nothing_2_for_changes_1_for_an_error(desk: Desk, engine: int, ours: int) -> None:
    desk.engine(f"exit {engine}")
    assert desk.command("preview").code == ours
    assert desk.calls()[-1] == "preview --expect-no-changes --stack local"


@pytest.mark.parametrize("code", [0, 1, 4])
def test_up_hands_the_engines_code_and_display_through(desk: Desk, code: int) -> None:
    desk.engine(f"echo 'Updating (local):'; echo 'warning: look' >&2; exit {code}")
    said = desk.command("up")
    assert said.code == code
    assert "Updating (local):\n" in said.out
    assert said.err == "warning: look\n"
    assert desk.calls()[-1] == "up --yes --stack local"


def test_changes_in_a_preview_are_no_error_message(desk: Desk) -> None:
    desk.engine("echo 'error: no changes were expected for preview but changes were proposed' >&2; exit 7")
    assert desk.command("preview").err == ""


def lock(desk: Desk, pid: int, host: str) -> Path:
    folder = desk.opened.backend / ".pulumi/locks/organization/groundplan/local"
    folder.mkdir(parents=True)
    content = {"pid": pid, "username": "ann", "hostname": host, "timestamp": "2026-01-02T03:04:05.678Z"}
    (folder / "one.json.attrs").write_text("{}")
    (folder / "one.json").write_text(json.dumps(content))
    return folder


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_the_lock_of_a_dead_run_is_removed_and_told(desk: Desk) -> None:
    folder = lock(desk, dead_pid(), socket.gethostname())
    said = desk.command("up")
    assert said.code == 0
    assert "removed the lock of a run that was killed" in said.err
    assert list(folder.iterdir()) == []


def test_a_number_that_another_program_has_got_since_is_a_dead_run_too(desk: Desk) -> None:
    folder = lock(desk, os.getpid(), socket.gethostname())
    assert desk.command("up").code == 0
    assert list(folder.iterdir()) == []


def test_the_lock_of_another_machine_is_kept_and_the_refusal_is_one_line(desk: Desk) -> None:
    folder = lock(desk, dead_pid(), "elsewhere")
    desk.engine(
        "echo 'error: the stack is currently locked by 1 lock(s). Either wait …' >&2; echo '  file:///x' >&2; exit 1"
    )
    said = desk.command("up")
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "stack 'local' is being changed by another run: process" in said.err
    assert "of ann on elsewhere, since 2026-01-02 03:04:05 UTC; fix: " in said.err
    assert len(list(folder.iterdir())) == 2


def test_ctrl_c_reaches_the_engine_once_and_the_way_back_is_told(desk: Desk) -> None:
    desk.engine(
        f"trap 'echo caught >> \"$FAKE/caught\"; kill $!; exit 8' INT\nkill -INT {os.getpid()}\nsleep 30 & wait $!"
    )
    before = signal.getsignal(signal.SIGINT)  # a test run in the background ignores it
    said = desk.command("up")
    assert said.code == 130
    assert (desk.fake / "caught").read_text() == "caught\n"
    assert "join it with: groundplan up local" in said.err
    assert signal.getsignal(signal.SIGINT) is before


def test_an_interrupt_that_came_too_late_is_none(desk: Desk) -> None:
    desk.engine(f"trap '' INT; kill -INT {os.getpid()}; exit 0")
    assert desk.command("up").code == 0
