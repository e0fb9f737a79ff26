"""The life of the local target's resource types under the real engine, with a small web server as the service."""

import socket
import sys
import uuid
from pathlib import Path

import httpx
import psutil
import pytest
from tests.support.lifecycle import Declared, Lab, live

from groundplan.local import processes
from groundplan_components.local.storage import SECRETS

TOKEN = "groundplan:local:"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path / "lab", {"stack_id": str(uuid.uuid4())})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stack(lab: Lab, port: int, *, keep: bool = False) -> list[Declared]:
    """Every local type: a folder, its secrets, the runtime's files, one service."""
    data = lab.folder / "data"
    own = {"folder": str(data), "stack_id": lab.config["stack_id"]}
    owned = {**own, "stack": "lab", "root": str(lab.folder), "keep": keep}
    endpoints = {"database": "127.0.0.1:1", "objects": "http://127.0.0.1:2"}
    config = {**own, "stack": "lab", "bucket": "b", "endpoints": endpoints}
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(data / "logs")]
    health = {"kind": "http", "url": f"http://127.0.0.1:{port}/", "timeout": 20}
    service = {**own, "name": "web", "command": command, "ports": {"web": port}, "health": health, "stop_seconds": 5}
    secrets = [Declared(f"{TOKEN}Secret", name, {**own, "name": name, "keep": keep}, ("data",)) for name in SECRETS]
    return [
        Declared(f"{TOKEN}DataFolder", "data", owned),
        *secrets,
        Declared(f"{TOKEN}RuntimeConfig", "runtime", config, ("data", *SECRETS)),
        Declared(f"{TOKEN}Service", "web", service, ("runtime",)),
    ]


def test_every_type_lives(lab: Lab) -> None:
    """By hand: the folder opened, a secret and a configuration changed, the service and its supervisor killed."""
    port, data = free_port(), lab.folder / "data"

    def drift() -> None:
        assert httpx.get(f"http://127.0.0.1:{port}/").is_success
        data.chmod(0o755)
        (data / "secrets/ray-token").write_text("changed by hand")
        (data / "runtime.json").unlink()
        victims = processes.of_folder(data)
        assert victims
        for victim in victims:
            victim.kill()
        psutil.wait_procs(victims, timeout=10)

    intact = ("intact",)
    drifted = {"data": intact, "ray-token": intact, "runtime": intact, "web": ("running",)}
    try:
        live(lab, stack(lab, port), drift, drifted=drifted)
    finally:
        processes.end(processes.of_folder(data))
    assert not data.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_kept_data_is_adopted_again_and_its_secrets_never_lie_open_in_the_state(lab: Lab) -> None:
    data = lab.folder / "data"
    declared = stack(lab, free_port(), keep=True)[:-1]
    lab.declare(*declared)
    lab.up()
    before = (data / "secrets/ray-token").read_text().strip()
    kept = "".join(path.read_text() for path in (lab.folder / "state").rglob("*.json"))
    assert "ray-token" in kept
    assert before not in kept
    lab.destroy()
    assert (data / "secrets/ray-token").exists()
    lab.up()
    assert (data / "secrets/ray-token").read_text().strip() == before
    lab.quiet()


def test_the_folder_of_another_stack_is_refused_at_preview(lab: Lab) -> None:
    folder = stack(lab, free_port())[0]
    lab.declare(folder)
    lab.up()
    other = {**folder.properties, "stack_id": "another"}
    lab.declare(folder, Declared(folder.type, "thief", other))
    seen = lab.preview(ok=False)
    assert seen.code != 0
    assert "belongs to stack lab" in seen.text
    assert "Traceback" not in seen.text
