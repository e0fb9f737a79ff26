"""The life of a Kind cluster, against a fake ``kind`` that says it is one (tests/support/fake_kind.py)."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from groundplan.errors import Refused, ServiceError, ToolError
from groundplan.kind import tool
from groundplan.kind.cluster import ClusterHandler
from groundplan.kind.config import ClusterConfig
from groundplan.kind.upkeep import remove_cluster, restore_kubeconfig, wake
from groundplan.provider.handler import Context, Unreachable
from groundplan.spec import StackSpec
from tests.support.fake_kind import FakeKind

pytestmark = pytest.mark.enable_socket
HANDLER = ClusterHandler()
NAME = "groundplan-kind"


class Told(list[str]):
    """What a handler reported and warned of."""

    def context(self) -> Context:
        return Context("urn", "cluster", False, self.append, self.append, {}, Event())


@pytest.fixture
def kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeKind]:
    fake = FakeKind(tmp_path / "fake")
    monkeypatch.setenv("PATH", f"{fake.bin}:/usr/bin:/bin")
    yield fake
    fake.close()


def inputs(root: Path, images: tuple[str, ...] = (), **values: Any) -> dict[str, Any]:
    """The inputs of a stack's cluster, at ports that nobody has."""
    ports: dict[str, int] = {
        door: _free() for door in ("gateway", "controlplane", "serve", "mlflow", "ray", "prometheus", "grafana")
    }
    stack = StackSpec.model_validate(
        {"name": "kind", "target": "kind", "kind": {**values, "ports": ports | values.get("ports", {})}}
    )
    return ClusterConfig.of(stack, "id-1", root, images).inputs()


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_it_is_made_with_its_nodes_and_its_kubeconfig(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path, workers=2)
    id, state = HANDLER.create(wanted, Told().context())
    assert id == NAME
    nodes = kind.nodes()
    assert len(nodes) == 3
    assert all(node["metadata"]["labels"]["groundplan.dev/stack-id"] == "id-1" for node in nodes)
    file = Path(state["path"])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text() == state["kubeconfig"]
    assert HANDLER.unsettled(HANDLER.read(id, state, Told().context()) or {}) == frozenset()


def test_a_second_run_adopts_it(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    HANDLER.create(wanted, Told().context())
    told = Told()
    HANDLER.create(wanted, told.context())
    assert len(kind.asked("kind", "create")) == 1
    assert any("adopting" in line for line in told)


def test_another_stacks_cluster_is_refused(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    HANDLER.create(wanted, Told().context())
    with pytest.raises(Refused, match=r"is not this stack's; fix: kind delete cluster --name groundplan-kind"):
        HANDLER.create({**wanted, "stack_id": "id-2"}, Told().context())


def test_gpu_workers_claim_their_gpus_again_when_they_forgot(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path, gpu_workers={"count": 1, "gpus": 4})
    id, state = HANDLER.create(wanted, Told().context())
    last = max(kind.claimed)
    assert kind.claimed == {last: {"nvidia.com/gpu": "4"}}
    kind.claimed.clear()  # as a kubelet that started anew
    seen = HANDLER.read(id, state, Told().context()) or {}
    assert HANDLER.unsettled(seen) == {"claimed"}
    HANDLER.update(id, seen, wanted, Told().context())
    assert kind.claimed == {last: {"nvidia.com/gpu": "4"}}


def test_nodes_that_a_reboot_left_stopped_are_started(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    id, state = HANDLER.create(wanted, Told().context())
    (kind.home / "stopped").touch()
    seen = HANDLER.read(id, state, Told().context()) or {}
    assert HANDLER.unsettled(seen) == {"running"}
    assert HANDLER.update(id, seen, wanted, Told().context())["running"] is True
    assert kind.asked("docker", "start")[0][2:] == [f"{NAME}-0", f"{NAME}-1"]


def test_a_lost_kubeconfig_is_written_again(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    id, state = HANDLER.create(wanted, Told().context())
    Path(state["path"]).unlink()
    seen = HANDLER.read(id, state, Told().context()) or {}
    assert HANDLER.unsettled(seen) == {"running"}
    HANDLER.update(id, seen, wanted, Told().context())
    assert Path(state["path"]).read_text() == state["kubeconfig"]


def test_another_shape_is_another_cluster_and_the_preview_says_so(kind: FakeKind, tmp_path: Path) -> None:
    before = inputs(tmp_path)
    id, state = HANDLER.create(before, Told().context())
    after = inputs(tmp_path, version="1.35.1")
    told = Told()
    HANDLER.foresee(after, told.context())
    assert any("is made anew: all that is in it is lost; fix: save it first" in line for line in told)
    _, new = HANDLER.create(after, Told().context())
    assert [words[2] for words in kind.asked("kind", "create")] == ["cluster", "cluster"]
    assert new["path"] != state["path"]
    # The older one's end touches nothing of the newer, and nobody meets the newer one by the older one's file.
    assert HANDLER.read(id, state, Told().context()) is None
    HANDLER.delete(id, state, Told().context())
    assert not Path(state["path"]).exists()
    assert HANDLER.unsettled(HANDLER.read(id, new, Told().context()) or {}) == frozenset()


def test_a_cluster_that_somebody_deleted_is_gone(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    id, state = HANDLER.create(wanted, Told().context())
    (kind.home / f"{NAME}.cluster").unlink()
    assert HANDLER.read(id, state, Told().context()) is None


def test_the_end_leaves_nothing(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path) | {"keep": False}
    id, state = HANDLER.create(wanted, Told().context())
    HANDLER.delete(id, state, Told().context())
    HANDLER.delete(id, state, Told().context())
    assert not list(kind.home.glob("*.cluster"))
    assert not Path(state["path"]).exists()


def test_an_end_that_keeps_data_stops_it_and_the_next_up_starts_it(kind: FakeKind, tmp_path: Path) -> None:
    wanted = inputs(tmp_path)
    id, state = HANDLER.create(wanted, Told().context())
    HANDLER.delete(id, state, Told().context())
    assert kind.asked("docker", "stop")[0][2:] == [f"{NAME}-0", f"{NAME}-1"]
    HANDLER.create(wanted, Told().context())
    assert kind.asked("docker", "start")
    assert len(kind.asked("kind", "create")) == 1


def test_the_upkeep_finds_a_kubeconfig_again_and_removes_only_its_own(kind: FakeKind, tmp_path: Path) -> None:
    stack = StackSpec.model_validate({"name": "kind", "target": "kind"})
    wanted = ClusterConfig.of(stack, "id-1", tmp_path, ())
    tool.create(wanted.name, wanted.document, str(tmp_path / "elsewhere"))
    restore_kubeconfig(stack, "id-1", tmp_path)
    assert Path(wanted.kubeconfig).read_text() == (kind.home / "kubeconfig").read_text()
    with pytest.raises(Refused, match="not removed"):
        remove_cluster(stack, "id-2", tmp_path)
    remove_cluster(stack, "id-1", tmp_path)
    assert not list(kind.home.glob("*.cluster"))


def test_an_up_wakes_its_cluster_before_the_engine_looks(kind: FakeKind, tmp_path: Path) -> None:
    stack = StackSpec.model_validate({"name": "kind", "target": "kind"})
    wanted = ClusterConfig.of(stack, "id-1", tmp_path, ())
    wake(stack, "id-1", tmp_path)  # nothing there
    tool.create(wanted.name, wanted.document, str(tmp_path / "elsewhere"))
    restore_kubeconfig(stack, "id-1", tmp_path)
    (kind.home / "stopped").touch()
    wake(stack, "id-1", tmp_path)
    assert len(kind.asked("docker", "start")) == 1
    wake(stack, "id-1", tmp_path)
    assert len(kind.asked("docker", "start")) == 1


def test_images_are_loaded_once(kind: FakeKind, tmp_path: Path) -> None:
    (kind.home / "images").write_text("localhost/x:1 localhost/y:1")
    wanted = inputs(tmp_path, images=("localhost/x:1",))
    id, state = HANDLER.create(wanted, Told().context())
    HANDLER.update(id, state, {**wanted, "images": ["localhost/x:1", "localhost/y:1"]}, Told().context())
    assert [words[3] for words in kind.asked("kind", "load")] == ["localhost/x:1", "localhost/y:1"]


def test_an_image_that_nobody_built_is_one_line(kind: FakeKind, tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"^Docker has no image localhost/x:1; fix: groundplan images --build"):
        HANDLER.create(inputs(tmp_path, images=("localhost/x:1",)), Told().context())
    assert not kind.asked("kind", "create")


@pytest.mark.parametrize(
    ("program", "words"), [("kind", "kind is not installed"), ("docker", "docker is not installed")]
)
def test_a_missing_program_is_one_line(
    kind: FakeKind, tmp_path: Path, program: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(kind.bin))
    (kind.bin / program).unlink()
    with pytest.raises(ToolError, match=rf"^{words}, and target kind needs it; fix: https://"):
        HANDLER.create(inputs(tmp_path), Told().context())


def test_docker_that_is_not_running_is_one_line_and_changes_nothing(kind: FakeKind, tmp_path: Path) -> None:
    id, state = HANDLER.create(inputs(tmp_path), Told().context())
    (kind.home / "docker-down").touch()
    with pytest.raises(ToolError, match=r"^Docker does not answer: Cannot connect .*; fix: start Docker"):
        HANDLER.create(inputs(tmp_path), Told().context())
    with pytest.raises(Unreachable):
        HANDLER.read(id, state, Told().context())


def test_a_port_that_is_taken_is_one_line_before_anything_is_made(kind: FakeKind, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = inputs(tmp_path, ports={"gateway": port})
        told = Told()
        HANDLER.foresee(wanted, told.context())
        with pytest.raises(ServiceError, match=rf"^port 127.0.0.1:{port} is taken .*; fix: another one in kind.ports$"):
            HANDLER.create(wanted, Told().context())
    assert any(f"port 127.0.0.1:{port} is taken" in line for line in told)
    assert not kind.asked("kind", "create")


def test_too_little_memory_is_one_line(kind: FakeKind, tmp_path: Path) -> None:
    (kind.home / "memory").write_text(str(4 * 2**30))
    with pytest.raises(
        ServiceError, match=r"^Docker has 4096 MiB of memory, the platform needs 8192 \(kind.memory_mb\)"
    ):
        HANDLER.create(inputs(tmp_path), Told().context())
    assert not kind.asked("kind", "create")


def test_what_kind_says_is_told_and_its_ruins_are_removed(kind: FakeKind, tmp_path: Path) -> None:
    (kind.home / "fails").write_text("could not find a log line that matches")
    with pytest.raises(ServiceError, match=r"^kind create cluster: ERROR: failed to create cluster: could not find"):
        HANDLER.create(inputs(tmp_path), Told().context())
    assert kind.asked("kind", "delete")


def test_a_preview_needs_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    told = Told()
    context = replace(told.context(), preview=True)
    assert HANDLER.check(inputs(tmp_path), context)[1] == []
    HANDLER.foresee(inputs(tmp_path), context)
    assert told == [
        f"`up` would stop here: kind is not installed, and target kind needs it; fix: {told[0].split()[-1]}"
    ]


def test_the_local_target_loads_nothing_of_it() -> None:
    """Every plugin loads every handler: what only clusters need is loaded where there is one."""
    heavy = "{'cryptography', 'yaml', 'pulumi_kubernetes'}"
    code = f"import sys, groundplan.provider.registry; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
