"""A cluster that can't be reached is one line, before the engine is asked for anything."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from groundplan.cli._checkout import Checkout
from groundplan.cli._cluster import PROXIES, require_cluster
from groundplan.errors import GroundplanError
from groundplan.spec import StackSpec
from tests.unit.cli.conftest import Desk


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def port() -> Iterator[int]:
    """A port of loopback at which something listens."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def document(server: str, **more: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server, **more}}],
        "contexts": [{"name": "production", "context": {"cluster": "c", "user": "u"}}],
    }


def look(folder: Path, text: str | None, context: str = "production", preview: bool = False) -> None:
    """Ask for the cluster of a kubeconfig with this text; None: there is no file."""
    if text is not None:
        (folder / "config").write_text(text)
    kubernetes = {"kubeconfig": "config", "context": context}
    cluster = {"node_host": "127.0.0.1"}
    stack = StackSpec.model_validate(
        {"name": "ext", "target": "kubernetes", "kubernetes": kubernetes, "cluster": cluster}
    )
    require_cluster(Checkout(folder, "ext"), stack, preview)


def told(folder: Path, text: str | None, context: str = "production") -> str:
    with pytest.raises(GroundplanError) as caught:
        look(folder, text, context)
    return str(caught.value)


def test_a_cluster_that_answers_is_in_order(tmp_path: Path, port: int) -> None:
    look(tmp_path, yaml.safe_dump(document(f"https://127.0.0.1:{port}")))


def test_a_lost_kubeconfig(tmp_path: Path) -> None:
    expected = f"stacks/ext.yaml: kubernetes.kubeconfig: {tmp_path / 'config'} is not there; fix: "
    assert told(tmp_path, None).startswith(expected)


@pytest.mark.parametrize("text", ["", "{", "- a\n", "\x00"])
def test_a_file_that_is_none(tmp_path: Path, text: str) -> None:
    assert "is no kubeconfig; fix: " in told(tmp_path, text)


def test_a_context_that_is_not_in_it(tmp_path: Path) -> None:
    line = told(tmp_path, yaml.safe_dump(document("https://127.0.0.1:1")), "prodction")
    assert "kubernetes.context: is not in" in line
    assert line.endswith("got prodction; allowed: production; fix: did you mean production?")
    assert "allowed: none is there" in told(tmp_path, "apiVersion: v1\ncontexts: [1]\n")


def test_a_context_without_a_server(tmp_path: Path) -> None:
    assert "names no cluster with a server" in told(tmp_path, yaml.safe_dump(document("")))


def test_a_cluster_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        server = f"https://127.0.0.1:{closed.getsockname()[1]}"
        line = told(tmp_path, yaml.safe_dump(document(server)))
    assert line.startswith(f"the cluster of context production does not answer at {server} (Connection refused); fix: ")


def test_by_way_of_a_proxy_it_is_not_asked_here(tmp_path: Path) -> None:
    look(tmp_path, yaml.safe_dump(document("https://127.0.0.1:1", **{"proxy-url": "http://127.0.0.1:2"})))


def test_a_first_preview_needs_none_and_a_later_one_does(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    look(tmp_path, None, preview=True)
    assert "warning: `up` would stop here: " in capfd.readouterr().err
    state = Checkout(tmp_path, "ext").state
    state.parent.mkdir(parents=True)
    state.write_text(json.dumps({"checkpoint": {"latest": {"resources": [{}]}}}))
    with pytest.raises(GroundplanError, match="is not there"):
        look(tmp_path, None, preview=True)


def test_up_stops_before_the_engine(desk: Desk) -> None:
    (desk.files.root / "stacks/local.yaml").write_text(
        "name: local\ntarget: kubernetes\nkubernetes: {kubeconfig: none, context: a}\ncluster: {node_host: 10.0.0.1}\n"
    )
    answer = desk.command("up")
    assert answer.code == 1
    assert answer.err.strip().splitlines() == [answer.err.strip()]
    assert "kubernetes.kubeconfig: " in answer.err
    assert desk.calls() == []
