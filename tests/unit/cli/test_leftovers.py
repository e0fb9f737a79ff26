"""What killed engines leave: removed when surely dead, and only then."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from groundplan.cli._checkout import Checkout
from groundplan.cli._leftovers import clear_leftovers, locks
from tests.unit.cli.conftest import Desk


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path, "local")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[object]:
    """Start a script under the name of one of the engine's programs; it is ended at the end."""
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, script: str = "exec sleep 60", **environment: str) -> subprocess.Popen[bytes]:
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        started.append(subprocess.Popen([path], env={**os.environ, **environment}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def write_lock(checkout: Checkout, pid: int) -> None:
    folder = checkout.backend / ".pulumi/locks/organization/groundplan/local"
    folder.mkdir(parents=True)
    content = {"pid": pid, "username": "ann", "hostname": socket.gethostname(), "timestamp": "2026-01-02T03:04:05Z"}
    (folder / "one.json").write_text(json.dumps(content))


def test_the_lock_of_a_run_that_goes_on_is_kept(checkout: Checkout, program) -> None:  # type: ignore[no-untyped-def]
    write_lock(checkout, program("pulumi", "sleep 60 & wait $!").pid)
    assert clear_leftovers(checkout) == []
    assert len(locks(checkout)) == 1


def test_a_zombie_holds_no_lock(checkout: Checkout, program) -> None:  # type: ignore[no-untyped-def]
    process = program("pulumi", "exit 0")
    deadline = time.monotonic() + 10
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
    write_lock(checkout, process.pid)
    assert len(clear_leftovers(checkout)) == 1
    assert locks(checkout) == []


def test_helpers_without_their_engine_are_ended_those_of_other_checkouts_are_not(checkout: Checkout, program) -> None:  # type: ignore[no-untyped-def]
    ours = program("pulumi-language-python", "sleep 60 & wait $!", PULUMI_BACKEND_URL=f"file://{checkout.backend}")
    others = program("pulumi-resource-groundplan", "sleep 60 & wait $!", PULUMI_BACKEND_URL="file:///elsewhere")
    said = clear_leftovers(checkout)
    assert said == [f"ended a helper of a run that was killed (process {ours.pid})"]
    assert ours.wait(10) == -signal.SIGKILL
    assert others.poll() is None


def test_an_unfinished_creation_is_forgotten_so_that_it_is_done_again(desk: Desk) -> None:
    operations = [
        {"type": "creating", "resource": {"urn": "urn:pulumi:local::groundplan::x::flights/model/delay"}},
        {"type": "updating", "resource": {"urn": "urn:pulumi:local::groundplan::x::other"}},
    ]
    desk.opened.state.parent.mkdir(parents=True)
    desk.opened.own.joinpath("passphrase").write_text("x")
    desk.opened.state.write_text(json.dumps({"checkpoint": {"latest": {"pending_operations": operations}}}))
    (desk.fake / "exported").write_text(json.dumps({"version": 3, "deployment": {"pending_operations": operations}}))
    desk.engine('case "$2" in export) cat "$FAKE/exported";; import) cat > "$FAKE/imported";; esac')
    said = desk.command("preview")
    assert said.code == 0
    assert "a run was killed while it made flights/model/delay" in said.err
    imported = json.loads((desk.fake / "imported").read_text())
    assert [op["type"] for op in imported["deployment"]["pending_operations"]] == ["updating"]
