"""What all parts of one local stack share: its folder, ports, code and the runtime's Python."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

BUCKET = "groundplan"
HTTP = ("objects", "mlflow", "feast", "controlplane", "ray", "serve", "identity")
PLAIN = ("database", "online_store")


@dataclass(frozen=True)
class Site:
    """One local stack. ``ports`` by the contract's names; ``code`` is the digest of ``sources``; paths are absolute."""

    stack: str
    stack_id: str
    root: str
    folder: str
    python: str
    ports: Mapping[str, int]
    code: str
    sources: tuple[str, ...]
    #: ``<project>/<application>`` → port, of applications that are one process.
    singles: Mapping[str, int] = field(default_factory=dict)
    #: The Marquez that lineage is sent to, where one is declared.
    lineage: str | None = None
    #: Names of the secrets of users and service accounts.
    subjects: tuple[str, ...] = ()
    keep: bool = True
    bucket: str = BUCKET
    #: ``stack`` and ``token_file`` of the one whose registry is read; None: the stack has its own.
    registry: Mapping[str, str] | None = None

    @cached_property
    def endpoints(self) -> dict[str, str]:
        """Every part's address, as ``runtime.json`` names it."""
        plain = {name: f"127.0.0.1:{self.ports[name]}" for name in PLAIN}
        http = {name: f"http://127.0.0.1:{self.ports[name]}" for name in HTTP}
        declared = {"lineage": self.lineage} if self.lineage else {}
        return plain | http | {"gateway": f"https://localhost:{self.ports['gateway']}"} | declared

    @cached_property
    def applications(self) -> dict[str, str]:
        """The address of every application that is one process. No part of what others start anew for."""
        return {name: f"http://127.0.0.1:{port}" for name, port in self.singles.items()}

    @cached_property
    def environment(self) -> dict[str, str]:
        """What every service runs with. A changed endpoint changes the digest, so those who read it start anew."""
        shared = json.dumps([self.endpoints, self.bucket], sort_keys=True)
        return {
            "GROUNDPLAN_RUNTIME": f"{self.folder}/runtime.json",
            "GROUNDPLAN_RUNTIME_DIGEST": hashlib.sha256(shared.encode()).hexdigest()[:16],
            "PYTHONPATH": f"{self.folder}/code/{self.code}",
            "PYTHONUNBUFFERED": "1",
            # Ray keeps 127.0.0.1 for what it is (groundplan.local.launch.ray_head), for its clients too.
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        }

    def module(self, name: str, *arguments: str) -> list[str]:
        """Return the command that runs a module of ours in the runtime's environment."""
        return [self.python, "-m", name, *arguments]

    def named_ports(self, *names: str) -> list[str]:
        """Return ``name=port`` words for a launcher."""
        return [f"{name}={self.ports[name]}" for name in names]

    def service(self, *ports: str) -> dict[str, Any]:
        """Return the inputs that every service has."""
        return {
            "folder": self.folder,
            "stack_id": self.stack_id,
            "environment": self.environment,
            "ports": {name: self.ports[name] for name in ports},
            "code": self.code,
        }
