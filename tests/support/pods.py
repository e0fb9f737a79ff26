"""Containers of ours as processes: the programs, arguments and files of their pods, with this machine for a cluster.

What differs from a pod: names of services are this machine's own address, and nothing is confined.
"""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from groundplan_runtime.config import Runtime

LAUNCH = "groundplan.local.launch"
PORTS = (
    "database", "objects", "objects_master", "objects_master_grpc", "objects_volume", "objects_volume_grpc",
    "objects_filer", "objects_filer_grpc", "objects_iam_grpc", "online_store", "mlflow", "controlplane", "identity",
    "gateway", "statistics", "ray", "serve", "feast",
)  # fmt: skip
SECRETS = {
    "database-admin": "first:password", "database-controlplane": "controlplane-password", "database-feast": "f",
    "database-identity": "i", "database-mlflow": "m", "objects-access-key": "access", "objects-secret-key": "secret",
    "objects-sts": "sts", "online-store": "o", "mlflow-token": "mlflow-token", "gateway-token": "gateway-token",
    "ray-token": "ray-token", "serving-token": "serving-token", "controlplane-token": "controlplane-token",
    "identity-seal": "a seal of thirty-two characters or more", "feast-token": "feast-token",
    "database-feast-reader": "fr", "online-store-reader": "or",
}  # fmt: skip
HTTP = ("objects", "mlflow", "feast", "controlplane", "identity", "ray", "serve")


def own_address() -> str:
    """This machine's own address: whoever connects to it comes from elsewhere, as another pod does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            pytest.skip("SKIPPED: this machine has no address but loopback, and a pod is reached by one")


def free_ports(names: Sequence[str]) -> dict[str, int]:
    """A port that nobody has, for each name."""
    held = [socket.create_server(("", 0)) for _ in names]
    ports = {name: each.getsockname()[1] for name, each in zip(names, held, strict=True)}
    for each in held:
        each.close()
    return ports


def until(look: Callable[[], Any], seconds: float = 90) -> None:
    """Wait until it is so."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "not so in time"
        time.sleep(0.2)


@dataclass
class Pods:
    """The folder that a pod has mounted, and the processes of its containers."""

    root: Path
    ports: dict[str, int]
    address: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @classmethod
    def of(cls, root: Path, **secrets: str) -> "Pods":
        """Mount everything and prepare the secrets, as the init container does."""
        (root / "data").mkdir()
        found = cls(root, free_ports(PORTS), own_address())
        found.mount(**secrets)
        done = found.run("groundplan_runtime.pod")
        assert done.returncode == 0, done.stderr
        return found

    @property
    def environment(self) -> dict[str, str]:
        """What a container is started with."""
        return {
            **os.environ,
            "GROUNDPLAN_RUNTIME": str(self.root / "runtime.json"),
            "GROUNDPLAN_SEALED": str(self.root / "sealed"),
            "GROUNDPLAN_HOSTS": f"{self.address}:{self.ports['mlflow']}",
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }

    @property
    def runtime(self) -> Runtime:
        """The runtime document, read."""
        return Runtime.load(self.root / "runtime.json")

    def host(self, name: str) -> str:
        """Address and port of a service."""
        return f"{self.address}:{self.ports[name]}"

    def mount(self, **secrets: str) -> None:
        """Mount what Kubernetes mounts: readable by a group, as it does."""
        (self.root / "sealed").mkdir(exist_ok=True)
        for name, text in {**SECRETS, **secrets}.items():
            file = self.root / "sealed" / name.replace("__", "-")
            file.write_text(text)
            file.chmod(0o440)
        http = {name: f"http://{self.host(name)}" for name in HTTP}
        plain = {name: self.host(name) for name in ("database", "online_store")}
        document = {
            "stack": "kind", "stack_id": "id", "bucket": "groundplan", "data_dir": str(self.root / "data"),
            "secrets_dir": str(self.root / "run" / "secrets"), "bind": "0.0.0.0",
            "endpoints": {**plain, **http, "gateway": f"https://localhost:{self.ports['gateway']}"},
        }  # fmt: skip
        (self.root / "runtime.json").write_text(json.dumps(document))

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command = [sys.executable, "-m", *words]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=180)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start a container; its log is named after its program."""
        log = (self.root / f"{words[0]}.log").open("ab")
        process = subprocess.Popen([sys.executable, "-m", *words], env=self.environment, stdout=log, stderr=log)
        self.running.append(process)
        return process

    def named(self, *prefixes: str) -> list[str]:
        """``name=port`` of every port whose name begins so."""
        return [f"{name}={port}" for name, port in self.ports.items() if name.startswith(prefixes)]

    def start_database(self) -> None:
        """PostgreSQL, ready, with its roles."""
        self.start(f"{LAUNCH}.postgres", *self.named("database"))
        until(lambda: self.run(f"{LAUNCH}.probe", "database").returncode == 0)
        done = self.run(f"{LAUNCH}.postgres_setup")
        assert done.returncode == 0, done.stderr

    def start_objects(self) -> None:
        """SeaweedFS, ready, with its buckets."""
        self.start(f"{LAUNCH}.seaweed", *self.named("objects"))
        until(lambda: self.answers("objects"))
        until(lambda: self.run("groundplan_runtime.setup_bucket").returncode == 0)

    def answers(self, name: str) -> bool:
        """Whether somebody listens at a service's address."""
        with socket.socket() as probe:
            probe.settimeout(1)
            return probe.connect_ex((self.address, self.ports[name])) == 0

    def end(self) -> None:
        """End every container, the last one first."""
        while self.running:
            end(self.running.pop())


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask a process to end, and end it when it does not."""
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
