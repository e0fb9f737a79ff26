"""The repository's own program, in a clone of its own, deployed to a test cluster by the real engine."""

import os
import random
import subprocess
import uuid
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.kube.lab import PLUGIN
from tests.support.lifecycle import ROOT, Lab

#: Name of the stack, and so of its YAML.
STACK = "lab"


@dataclass
class PlatformLab(Lab):
    """A clone of HEAD with one stack of target ``kubernetes``; nothing is declared but by its YAML.

    ``node_host`` is a real node's address, or one of loopback, at which what stands in for the control plane listens.
    ``cluster`` is what the stack says of its cluster besides.
    """

    node_host: str = ""
    cluster: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Clone, and write the stack."""
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(self.folder)], check=True)
        (self.folder / ".venv").symlink_to(ROOT / ".venv")
        (self.folder / "state").mkdir()
        self.node_host = (
            self.node_host or f"127.{random.randint(1, 254)}.{random.randint(1, 254)}.{random.randint(2, 254)}"
        )
        self.write(projects=["flights"])
        settings = {"config": {"groundplan:stack-id": str(uuid.uuid4())}}
        (self.folder / f"stacks/Pulumi.{STACK}.yaml").write_text(yaml.safe_dump(settings))
        self._pulumi("stack", "init", STACK, check=True)

    def write(self, **changed: object) -> None:
        """Write the stack's YAML."""
        document = {
            "name": STACK,
            "target": "kubernetes",
            "alias": "production",
            "kubernetes": {"kubeconfig": self.config["kubeconfig"], "context": "test"},
            "cluster": {"node_host": self.node_host, **self.cluster},
            "protection": {"keep_data": False},
            **changed,
        }
        (self.folder / f"stacks/{STACK}.yaml").write_text(yaml.safe_dump(document))

    def token(self) -> str:
        """The token that the program generated for the control plane."""
        return (self.folder / f".groundplan/{STACK}/secrets/controlplane-token").read_text().strip()

    def _environment(self) -> dict[str, str]:
        environment = super()._environment()
        return {**environment, "PATH": os.pathsep.join([str(PLUGIN), environment["PATH"]])}


def platform_lab(folder: Path, kubeconfig: Path, node_host: str = "", **cluster: object) -> PlatformLab:
    """Return the repository's program against the cluster that ``kubeconfig`` leads to."""
    return PlatformLab(folder, {"kubeconfig": str(kubeconfig)}, node_host=node_host, cluster=cluster)
