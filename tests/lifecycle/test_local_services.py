"""The local target's services as real processes, driven through their handlers: up, crash, reboot, adopt, down."""

import os
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.support.clone import free_port_base
from tests.support.listening import assert_loopback_only
from tests.support.local_stack import HANDLERS, LocalStack, make_site

from groundplan.errors import Refused, ServiceError
from groundplan.local.folder import Folder, Owner
from groundplan.local.portcheck import is_free
from groundplan.local.secret import SecretHandler
from groundplan.local.service import ServiceHandler
from groundplan.local.supervisor import Supervisor

PARTS = ("Database", "ObjectStore", "OnlineStore")
DEADLINE = 120


def eventually(check: Callable[[], bool], what: str) -> None:
    """Poll until ``check`` is true; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Database, object store and online store, up; gone again at the end whatever happened."""
    folder = tmp_path_factory.mktemp("stack") / "data"
    made = LocalStack(make_site(folder, free_port_base(), str(uuid.uuid4())), PARTS)
    try:
        made.up()
        yield made
    finally:
        made.down()
        for process in made.processes():
            process.kill()


def pid(stack: LocalStack, name: str) -> int:
    """The process of one service, as its supervisor sees it."""
    found = Supervisor(stack.folder).look(name)
    return found.pid if found and found.up else 0


def test_everything_runs_and_nothing_is_left_to_do(stack: LocalStack) -> None:
    assert stack.refresh() == set()
    assert all(state["running"] for (token, _), (_, state) in stack.states.items() if token.endswith("Service"))


def test_only_loopback_listens(stack: LocalStack) -> None:
    assert assert_loopback_only(stack.processes()) >= len(PARTS)


def test_no_secret_is_in_arguments_or_environments_or_open_to_others(stack: LocalStack) -> None:
    files = sorted(stack.folder.secrets.iterdir())
    named = {name for token, name in stack.declared if token == SecretHandler.token}
    assert {file.name for file in files} == named | {"pgpass", "aws-credentials"}
    values = [(stack.folder.secrets / name).read_text().strip() for name in named]
    seen = " ".join(" ".join([*p.cmdline(), *p.environ().values()]) for p in stack.processes())
    assert [value for value in values if value in seen] == []
    assert {oct(file.stat().st_mode & 0o777) for file in files} == {"0o600"}
    assert stack.folder.root.stat().st_mode & 0o777 == 0o700
    assert stack.folder.socket.stat().st_mode & 0o077 == 0


def test_the_deployers_environment_does_not_reach_services(stack: LocalStack) -> None:
    assert all("PYTEST_CURRENT_TEST" not in p.environ() for p in stack.processes())


def test_the_database_wants_a_password_and_has_each_role(stack: LocalStack) -> None:
    host, port = stack.site.endpoints["database"].split(":")
    for role in ("mlflow", "feast", "controlplane"):
        assert _psql(stack, host, port, role, {"PGPASSFILE": str(stack.folder.secrets / "pgpass")}) == role
        assert _psql(stack, host, port, role, {"PGPASSWORD": "wrong"}) == ""


def _psql(stack: LocalStack, host: str, port: str, role: str, environment: dict[str, str]) -> str:
    code = "from groundplan.local.launch._pg import binaries; print(binaries() / 'psql')"
    program = subprocess.run([stack.site.python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    command = [program, "-w", "-h", host, "-p", port, "-U", role, "-d", role, "-tAc", "SELECT current_user"]
    return subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True).stdout.strip()


def test_a_killed_service_is_restarted_by_its_supervisor(stack: LocalStack) -> None:
    before = pid(stack, "database")
    psutil.Process(before).kill()
    eventually(lambda: pid(stack, "database") not in (0, before), "PostgreSQL runs again")
    eventually(lambda: stack.refresh() == set(), "and is healthy")


def test_a_second_stack_object_adopts_what_runs(stack: LocalStack) -> None:
    pids = {name: pid(stack, name) for name in ("database", "objects", "online-store")}
    again = LocalStack(stack.site, PARTS)
    again.up()
    assert {name: pid(stack, name) for name in pids} == pids
    assert {key: state for key, (_, state) in again.states.items()} == {k: s for k, (_, s) in stack.states.items()}


def test_after_a_reboot_it_reads_as_down_and_a_plain_up_heals(stack: LocalStack) -> None:
    value = stack.states[("groundplan:local:Secret", "database-feast")][1]["value"]
    everything = stack.processes()
    for process in everything:
        process.kill()
    psutil.wait_procs(everything, timeout=30)
    assert stack.refresh() == {"database", "objects", "online-store"}
    stack.up()
    assert stack.refresh() == set()
    assert stack.states[("groundplan:local:Secret", "database-feast")][1]["value"] == value


def test_orphans_of_a_killed_supervisor_are_taken_over(stack: LocalStack) -> None:
    supervisor = next(p for p in stack.processes() if "supervisor.supervisord" in p.cmdline())
    supervisor.kill()
    supervisor.wait(30)
    assert stack.refresh() == {"database", "objects", "online-store"}
    stack.up()
    assert stack.refresh() == set()
    assert len([p for p in stack.processes() if "supervisor.supervisord" in p.cmdline()]) == 1


def test_a_service_stopped_by_hand_is_started_again(stack: LocalStack) -> None:
    Supervisor(stack.folder).stop("online-store")
    assert stack.refresh() == {"online-store"}
    stack.up()
    assert stack.refresh() == set()


def test_a_secret_changed_by_hand_is_put_back(stack: LocalStack) -> None:
    file = stack.folder.secrets / "online-store"
    value = file.read_text()
    file.write_text("changed\n")
    assert "online-store" in stack.refresh()
    stack.up()
    assert file.read_text() == value
    assert stack.refresh() == set()


def test_a_service_that_fails_says_why_in_one_error(stack: LocalStack) -> None:
    inputs = {
        "folder": stack.site.folder, "stack_id": stack.site.stack_id, "name": "broken",
        "command": [stack.site.python, "-m", "no_such_module_as_this"],
        "health": {"kind": "tcp", "port": stack.site.ports["serve"], "timeout": 30},
    }  # fmt: skip
    handler = ServiceHandler()
    filled, failures = handler.check(inputs, stack.context())
    assert failures == []
    try:
        with pytest.raises(ServiceError, match=r"broken: does not start.*broken\.log[\s\S]*no_such_module_as_this"):
            handler.create(filled, stack.context())
    finally:
        handler.delete("", filled, stack.context())
    assert not stack.folder.program("broken").exists()


def test_a_port_that_another_holds_is_a_failure_at_preview(stack: LocalStack, tmp_path: Path) -> None:
    other = LocalStack(replace(stack.site, folder=str(tmp_path / "data"), stack_id=str(uuid.uuid4())), ("OnlineStore",))
    (failure,) = other.check()
    assert failure.property == "ports.online_store"
    assert f"pid {pid(stack, 'online-store')}" in failure.reason
    assert "local.port_base" in failure.reason


def test_another_stack_is_refused(stack: LocalStack) -> None:
    other = LocalStack(replace(stack.site, stack_id=str(uuid.uuid4())), ("OnlineStore",))
    assert "belongs to stack test" in other.check()[0].reason
    for (token, _), inputs in other.declared.items():
        with pytest.raises(Refused, match="belongs to stack test"):
            HANDLERS[token].create(dict(inputs), stack.context())
    stranger = Folder(stack.folder.root, "another")
    with pytest.raises(Refused):
        stranger.claim(Owner("another", "other", "/elsewhere"))
    assert stack.refresh() == set()


def test_down_keeps_the_data_and_up_finds_it_again(stack: LocalStack) -> None:
    root, ports = stack.folder.root, [port for port in stack.site.ports.values()]
    secret = (stack.folder.secrets / "database-admin").read_text()
    stack.down()
    assert stack.processes() == []
    assert all(is_free(port) for port in ports)
    assert {p.name for p in root.iterdir()} == {
        ".groundplan-owner", "database", "logs", "objects", "online_store", "secrets",
    }  # fmt: skip
    assert "kept" in stack.said[-1]
    stack.up()
    assert (stack.folder.secrets / "database-admin").read_text() == secret
    assert stack.refresh() == set()


def test_purge_leaves_no_file(stack: LocalStack) -> None:
    purging = LocalStack(replace(stack.site, keep=False), PARTS)
    purging.up()
    purging.down()
    stack.states.clear()
    assert purging.processes() == []
    assert not stack.folder.root.exists()
    assert not stack.folder.short.exists()
    left = [port for port in stack.site.ports.values() if list(Path("/tmp").glob(f"seaweedfs-*{port}.sock"))]
    assert left == []
