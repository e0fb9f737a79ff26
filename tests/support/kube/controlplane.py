"""A real control plane for a test: etcd, API server, controller manager, scheduler, with simulated nodes.

``with ControlPlane(folder) as cluster:`` is ready in about ten seconds and leaves nothing behind.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType

import httpx

from groundplan.provider.handler import Unreachable
from tests.support.kube import commands
from tests.support.kube.api import Api, ApiError, Name, Object
from tests.support.kube.children import Children, free_ports, until
from tests.support.kube.credentials import Credentials
from tests.support.kube.fake import NODES, FakeNode, stages, storage_class
from tests.support.kube.kubeconfig import access
from tests.support.kube.programs import Programs, ensure_programs

#: Seconds until the control plane must be ready; about ten on a machine with nothing else to do.
PATIENCE = 120.0
MANAGER = "test-ground"


class ControlPlane:
    """One cluster on free ports of loopback; ``kubeconfig`` logs in as its administrator.

    ``address`` and ``advertised`` are changed only for a real node, which cannot reach loopback.
    """

    def __init__(
        self,
        folder: Path,
        nodes: Iterable[FakeNode] = NODES,
        *,
        programs: Programs | None = None,
        address: str = "127.0.0.1",
        advertised: str = "10.255.255.1",
    ) -> None:
        self.programs = programs or ensure_programs()
        names = ("127.0.0.1", commands.FIRST_SERVICE, address, advertised)
        self.credentials = Credentials(folder / "pki", tuple(dict.fromkeys(names)))
        ports = commands.Ports(*free_ports(6))
        self.places = commands.Places(self.programs, self.credentials, folder, ports, address, advertised)
        self.children = Children(folder / "log")
        self.nodes = tuple(nodes)
        self.kubeconfig = self.credentials.kubeconfig("admin", self.places.server)
        self.api = Api(access(str(self.kubeconfig)))

    def __enter__(self) -> "ControlPlane":
        """Start everything and wait until nodes take pods."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop everything."""
        self.stop()

    def stop(self) -> None:
        """End every program."""
        self.children.stop_all()

    def add(self, *nodes: FakeNode) -> None:
        """Add simulated nodes and wait until they are ready."""
        for node in nodes:
            manifest = node.manifest()
            self.api.apply({k: v for k, v in manifest.items() if k != "status"}, MANAGER)
            path = f"{self.api.path(Name('v1', 'Node', None, node.name))}/status"
            self.api.call("PATCH", path, body={"status": manifest["status"]}, content="application/merge-patch+json")
        names = {node.name for node in nodes}
        until(lambda: names <= self.ready_nodes(), f"nodes {', '.join(sorted(names))} ready", PATIENCE)

    def ready_nodes(self) -> set[str]:
        """Names of the nodes that take pods."""
        return {each["metadata"]["name"] for each in self.api.list("v1", "Node") if _is_ready(each)}

    def _start(self) -> None:
        self.children.start("etcd", commands.etcd(self.places))
        self.children.start("kube-apiserver", commands.api_server(self.places))
        until(self._answers, "API server ready", PATIENCE)
        self.children.start("kube-controller-manager", commands.controller_manager(self.places))
        self.children.start("kube-scheduler", commands.scheduler(self.places))
        if self.nodes:
            self._start_kwok()
        with ThreadPoolExecutor(3) as pool:
            waits = [pool.submit(until, *each, PATIENCE) for each in self._signs()]
        for wait in waits:
            wait.result()
        self.add(*self.nodes)

    def _start_kwok(self) -> None:
        file = stages(self.programs.stages, self.places.folder / "kwok.yaml")
        self.children.start("kwok", commands.kwok(self.places, file))
        self.api.apply(storage_class(self.programs.stages), MANAGER)

    def _signs(self) -> list[tuple]:
        """What shows that each program does its work."""
        ports = self.places.ports
        account = Name("v1", "ServiceAccount", "default", "default")
        return [
            (lambda: self._healthy(ports.manager), "controller manager healthy"),
            (lambda: self._healthy(ports.scheduler), "scheduler healthy"),
            (lambda: self.api.get(account), "default service account made"),
        ]

    def _answers(self) -> bool:
        self.children.check()
        try:
            return self.api.call("GET", "/readyz") == "ok"
        except Unreachable:
            return False
        except ApiError as error:
            if error.code < 500:
                raise
            return False  # 500 until its hooks are done

    def _healthy(self, port: int) -> bool:
        self.children.check()
        try:
            # Its certificate is one that it made itself; what it says is all that counts here.
            return httpx.get(f"https://127.0.0.1:{port}/healthz", verify=False, trust_env=False).is_success
        except httpx.TransportError:
            return False


def _is_ready(node: Object) -> bool:
    conditions = node.get("status", {}).get("conditions") or ()
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
