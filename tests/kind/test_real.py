"""Kind itself, with Docker: the one command that shows what no fake can (docs/kubernetes.md).

``python -m pytest tests/kind -rs``. It makes a cluster of its own, finds it again, breaks it, and removes it.
"""

import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from groundplan.kind import tool
from groundplan.kind.api import Api
from groundplan.kind.cluster import ClusterHandler
from groundplan.kind.config import ClusterConfig
from groundplan.provider.handler import Context
from groundplan.spec import StackSpec

HANDLER = ClusterHandler()
pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module", autouse=True)
def docker() -> None:
    for program in ("docker", "kind"):
        if shutil.which(program) is None:
            pytest.skip(f"SKIPPED: {program} is not installed, and Kind runs its nodes as Docker's containers")
    if subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("SKIPPED: Docker does not answer, and Kind runs its nodes as its containers")


@pytest.fixture(scope="module")
def wanted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    name = f"test{uuid.uuid4().hex[:6]}"
    ports = {door: _free() for door in ("gateway", "controlplane", "serve", "mlflow", "ray", "prometheus", "grafana")}
    kind = {"workers": 1, "gpu_workers": {"count": 1, "gpus": 2}, "ports": ports, "memory_mb": 2048}
    stack = StackSpec.model_validate({"name": name, "target": "kind", "kind": kind, "protection": {"keep_data": False}})
    config = ClusterConfig.of(stack, str(uuid.uuid4()), tmp_path_factory.mktemp("kind"), ())
    yield config.inputs()
    tool.delete(config.name, config.kubeconfig)


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        return int(held.getsockname()[1])


def _context() -> Context:
    return Context("urn", "cluster", False, print, print, {}, Event())


def test_its_whole_life(wanted: dict[str, Any]) -> None:
    id, state = HANDLER.create(wanted, _context())
    with Api(state["kubeconfig"]) as api:
        nodes = api.nodes()
    assert len(nodes) == 3
    assert [node.capacity.get("nvidia.com/gpu") for node in nodes if "nvidia.com/gpu.present" in node.labels] == ["2"]
    assert HANDLER.unsettled(HANDLER.read(id, state, _context()) or {}) == frozenset()

    assert HANDLER.create(wanted, _context())[0] == id  # adopted

    tool.stop(tool.nodes(id))
    Path(state["path"]).unlink()
    seen = HANDLER.read(id, state, _context()) or {}
    assert HANDLER.unsettled(seen) >= {"running"}
    state = HANDLER.update(id, seen, wanted, _context())
    assert HANDLER.unsettled(HANDLER.read(id, state, _context()) or {}) == frozenset()

    HANDLER.delete(id, state, _context())
    assert HANDLER.read(id, state, _context()) is None
