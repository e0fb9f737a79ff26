"""What a Kind cluster of a stack is: its name, its nodes, its files. Pure: all of it is known to the plan."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.kind.labels import GPU_LABEL, SHAPE, STACK_ID
from groundplan.spec import StackSpec
from groundplan.spec.cluster import NODE_PORTS, KindSpec

FOLDER = ".groundplan/kind"


@dataclass(frozen=True)
class ClusterConfig:
    """One cluster. ``shape`` is the digest of what cannot be changed without making it anew."""

    name: str
    stack_id: str
    shape: str
    document: dict[str, Any]
    kubeconfig: str
    gpus: int
    resource: str
    images: tuple[str, ...]
    memory_mb: int
    keep: bool

    @classmethod
    def of(cls, stack: StackSpec, stack_id: str, root: Path, images: Sequence[str]) -> "ClusterConfig":
        """Return the cluster of a stack that is deployed from ``root``; ``images`` are loaded into its nodes."""
        kind, name = stack.kind, f"groundplan-{stack.name.replace('_', '-')}"
        bare = json.dumps(_document(kind, {}), sort_keys=True)
        shape = hashlib.sha256(bare.encode()).hexdigest()[:12]
        return cls(
            name=name,
            stack_id=stack_id,
            shape=shape,
            document=_document(kind, {STACK_ID: stack_id, SHAPE: shape}),
            # With another shape another file: who still holds the old one must not meet the new cluster by it.
            kubeconfig=str((root / FOLDER / f"{name}-{shape}.kubeconfig").resolve()),
            gpus=kind.gpu_workers.gpus if kind.gpu_workers.count else 0,
            resource=kind.gpu_workers.resource,
            images=tuple(images) if kind.load_images else (),
            memory_mb=kind.memory_mb,
            keep=stack.protection.keep_data,
        )

    @property
    def context(self) -> str:
        """The context that Kind writes into a kubeconfig."""
        return f"kind-{self.name}"

    @property
    def identifier(self) -> str:
        """What the provider of its objects goes by: another one means that all of them are made anew."""
        return f"{self.name}-{self.shape}"

    def inputs(self) -> dict[str, Any]:
        """Return the inputs of the resource."""
        return {
            "name": self.name,
            "stack_id": self.stack_id,
            "shape": self.shape,
            "config": self.document,
            "path": self.kubeconfig,
            "gpus": self.gpus,
            "gpu_resource": self.resource,
            "images": list(self.images),
            "memory_mb": self.memory_mb,
            "keep": self.keep,
        }


def _document(kind: KindSpec, labels: dict[str, str]) -> dict[str, Any]:
    """Kind's own configuration document (kind.x-k8s.io/v1alpha4)."""
    image = kind.node_image or f"kindest/node:v{kind.version}"
    common = {"image": image, "labels": labels}
    doors = [
        {"containerPort": node, "hostPort": kind.port(door), "listenAddress": kind.host, "protocol": "TCP"}
        for door, node in NODE_PORTS.items()
    ]
    plane = {"role": "control-plane", **common, "extraPortMappings": doors}
    workers = [{"role": "worker", **common} for _ in range(kind.workers)]
    gpus = [_gpu_worker(common, labels, kind.gpu_workers.resource) for _ in range(kind.gpu_workers.count)]
    return {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": [plane, *workers, *gpus]}


def _gpu_worker(common: dict[str, Any], labels: dict[str, str], resource: str) -> dict[str, Any]:
    """Labelled and tainted as nodes with GPUs are, so that only what asks for one lands there."""
    taint = {"key": resource, "value": "present", "effect": "NoSchedule"}
    patch = {"kind": "JoinConfiguration", "nodeRegistration": {"taints": [taint]}}
    return {
        "role": "worker",
        **common,
        "labels": {**labels, GPU_LABEL: "true"},
        "kubeadmConfigPatches": [json.dumps(patch)],
    }
