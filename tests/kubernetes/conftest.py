"""One control plane for all tests of this tier; each test has its own namespace and its own Pulumi project."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.lab import kube_lab
from tests.support.kube.node import install, lacking
from tests.support.kube.programs import missing
from tests.support.lifecycle import Lab


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A running cluster with three simulated CPU nodes and two simulated GPU nodes."""
    if absent := missing():
        pytest.skip(f"SKIPPED: {', '.join(absent)} not built; fix: make test-kubernetes builds them (10 minutes)")
    with ControlPlane(tmp_path_factory.mktemp("cluster") / "plane") as plane:
        yield plane


@pytest.fixture(scope="session")
def node() -> None:
    """What a real node needs is on this machine now; a test that asks for it is skipped where it can't be had."""
    if reason := lacking():
        pytest.skip(f"SKIPPED: no real node: {reason}")
    if absent := missing(node=True):
        pytest.skip(f"SKIPPED: {', '.join(absent)} not built; fix: python -m tests.support.kube.programs --node")
    install()


@pytest.fixture
def namespace() -> str:
    """A name that no other test uses."""
    return f"test-{uuid.uuid4().hex[:8]}"


@pytest.fixture(autouse=True)
def _takes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it the official plugin refuses to change back what someone edited by hand."""
    monkeypatch.setenv("PULUMI_K8S_ENABLE_PATCH_FORCE", "true")


@pytest.fixture
def lab(cluster: ControlPlane, tmp_path: Path) -> Lab:
    """An empty Pulumi project against the cluster."""
    return kube_lab(tmp_path / "lab", cluster.kubeconfig)
