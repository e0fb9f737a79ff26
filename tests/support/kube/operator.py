"""Ray's real operator beside a simulated cluster, whose own operator pod only pretends to run."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.kube.api import Name
from tests.support.kube.children import free_ports
from tests.support.kube.controlplane import ControlPlane

TYPES = ("rayclusters.ray.io", "rayjobs.ray.io", "rayservices.ray.io")
POLL = 0.5


@contextmanager
def ray_operator(cluster: ControlPlane) -> Iterator[None]:
    """Run KubeRay's operator from when its types are there, which an ``up`` installs, until the block ends."""
    ended = threading.Event()
    thread = threading.Thread(target=_start_when_possible, args=(cluster, ended))
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        if "kuberay" in cluster.children.running:
            cluster.children.stop("kuberay")


def _start_when_possible(cluster: ControlPlane, ended: threading.Event) -> None:
    while not ended.wait(POLL):
        if all(_established(cluster, name) for name in TYPES):
            metrics, health = free_ports(2)
            command = [
                cluster.programs.kuberay / "kuberay",
                f"--kubeconfig={cluster.kubeconfig}",
                "--enable-leader-election=false",
                f"--metrics-addr=127.0.0.1:{metrics}",
                f"--health-probe-bind-address=127.0.0.1:{health}",
            ]
            cluster.children.start("kuberay", command)
            return


def _established(cluster: ControlPlane, name: str) -> bool:
    found = cluster.api.get(Name("apiextensions.k8s.io/v1", "CustomResourceDefinition", None, name)) or {}
    conditions = found.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in conditions)
