"""What killed engines leave: removed when surely dead, and only then."""

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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


MODEL = {"type": "groundplan:ml:Model", "urn": "urn:pulumi:local::groundplan::x::flights/model/delay"}
ROLE = {
    "type": "aws:iam/rolePolicy:RolePolicy",
    "urn": "urn:pulumi:local::groundplan::x::train-policy",
    "inputs": {"role": "groundplan-local-train", "name": "access"},
}
VPC = {"type": "aws:ec2/vpc:Vpc", "urn": "urn:pulumi:local::groundplan::x::vpc", "inputs": {}}


def previewed(desk: Desk, *made: dict[str, Any], known: tuple[dict[str, Any], ...] = ()) -> tuple[str, dict[str, Any]]:
    """What a preview says after a run was killed while it made these, and the state that it leaves."""
    operations = [{"type": "creating", "resource": each} for each in made]
    operations.append({"type": "updating", "resource": {"urn": "urn:pulumi:local::groundplan::x::other"}})
    desk.opened.state.parent.mkdir(parents=True)
    desk.opened.own.joinpath("passphrase").write_text("x")
    deployment = {"pending_operations": operations, "resources": [*known]}
    desk.opened.state.write_text(json.dumps({"checkpoint": {"latest": deployment}}))
    (desk.fake / "exported").write_text(json.dumps({"version": 3, "deployment": deployment}))
    desk.engine('case "$2" in export) cat "$FAKE/exported";; import) cat > "$FAKE/imported";; esac')
    said = desk.command("preview")
    assert said.code == 0
    return said.err, dict(json.loads((desk.fake / "imported").read_text())["deployment"])


def test_an_unfinished_creation_is_forgotten_so_that_it_is_done_again(desk: Desk) -> None:
    said, left = previewed(desk, MODEL)
    assert "a run was killed while it made flights/model/delay: whatever of it is there is adopted" in said
    assert [op["type"] for op in left["pending_operations"]] == ["updating"]
    assert left["resources"] == []


def test_what_aws_names_as_declared_is_looked_for_under_its_name(desk: Desk) -> None:
    said, left = previewed(desk, MODEL, ROLE)
    assert (
        "a run was killed while it made flights/model/delay, train-policy: whatever of it is there is adopted" in said
    )
    assert left["resources"] == [ROLE | {"id": "groundplan-local-train:access"}]
    assert "warning" not in said


def test_what_was_to_be_replaced_is_not_put_there_twice(desk: Desk) -> None:
    old = ROLE | {"id": "old"}
    _, left = previewed(desk, ROLE, known=(old,))
    assert left["resources"] == [old]


def test_what_aws_names_itself_is_told_as_left_over(desk: Desk) -> None:
    said, left = previewed(desk, VPC, ROLE)
    assert "a run was killed while it made train-policy: whatever" in said
    assert "warning: a run was killed while it made vpc: AWS may have made it" in said
    assert "look for it by the tag groundplan:stack=local" in said
    assert [each["type"] for each in left["resources"]] == [ROLE["type"]]
    assert [op["type"] for op in left["pending_operations"]] == ["updating"]
