"""Simulated nodes: they take pods and say that these run. KWOK plays the kubelet."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

#: Stages of KWOK's module that the test ground plays: nodes come up, pods get ready, Jobs end, volumes get bound.
STAGES = ("node/fast", "node/heartbeat-with-lease", "pod/fast", "volume/fast")
GPU = "nvidia.com/gpu"


@dataclass(frozen=True)
class FakeNode:
    """One simulated node: how many CPUs, GiB and GPUs it has, its labels and taints (``{key, value, effect}``)."""

    name: str
    cpus: int = 16
    gibibytes: int = 64
    gpus: int = 0
    labels: dict[str, str] = field(default_factory=dict)
    taints: tuple[dict[str, str], ...] = ()

    def manifest(self) -> dict[str, Any]:
        """The node as an object."""
        own = {"kubernetes.io/hostname": self.name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        capacity = {"cpu": str(self.cpus), "memory": f"{self.gibibytes}Gi", "pods": "110"}
        capacity |= {"ephemeral-storage": "200Gi"}
        capacity |= {GPU: str(self.gpus)} if self.gpus else {}
        metadata = {"name": self.name, "labels": own | self.labels, "annotations": {"kwok.x-k8s.io/node": "fake"}}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": metadata,
            "spec": {"taints": list(self.taints)},
            "status": {"capacity": capacity, "allocatable": capacity},
        }


def gpu_node(name: str, gpus: int = 4, model: str = "NVIDIA-A10G") -> FakeNode:
    """A simulated GPU node as clouds make them: labelled with its model, tainted against everything else."""
    taint = {"key": GPU, "value": "present", "effect": "NoSchedule"}
    labels = {"nvidia.com/gpu.present": "true", "nvidia.com/gpu.product": model}
    return FakeNode(name, gpus=gpus, labels=labels, taints=(taint,))


NODES = (
    FakeNode("node-a", labels={"topology.kubernetes.io/zone": "a"}),
    FakeNode("node-b", labels={"topology.kubernetes.io/zone": "b"}),
    FakeNode("node-c", labels={"topology.kubernetes.io/zone": "c"}),
    gpu_node("gpu-a"),
    gpu_node("gpu-b"),
)


def stages(folder: Path, target: Path) -> Path:
    """Write KWOK's configuration from the stages of its module, and return its path."""
    documents = []
    for part in STAGES:
        for file in sorted((folder / part).glob("*.yaml")):
            documents += [each for each in yaml.safe_load_all(file.read_text()) if each and each["kind"] == "Stage"]
    target.write_text(yaml.safe_dump_all(documents))
    return target


def storage_class(folder: Path) -> dict[str, Any]:
    """The default storage class, whose volumes KWOK pretends to provide."""
    return dict(yaml.safe_load((folder / "volume/fast/storage-class.yaml").read_text()))
