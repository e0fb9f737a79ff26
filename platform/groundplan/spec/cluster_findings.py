"""Mistakes in a stack's cluster that its types cannot express."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, get_args

from groundplan.spec.cluster import DoorName
from groundplan.spec.finding import Finding

if TYPE_CHECKING:
    from groundplan.spec.cluster import PartSpec
    from groundplan.spec.stack import StackSpec

#: Services that are one process: a second would be another database, not a copy, or take up the first one's work.
SINGLE = (
    "database",
    "objects",
    "online_store",
    "controlplane",
    "ray_operator",
    "gateway_operator",
    "ray_head",
    "prometheus",
    "grafana",
    "backup",
)
#: Pods that an operator or the control plane makes.
OPERATED = ("ray_head", "ray_worker", "run", "backup", "proxy")
#: Tags that mean another image tomorrow.
MOVING = ("latest", "main", "master", "edge", "stable", "nightly")


def cluster_findings(stack: StackSpec) -> Iterator[Finding]:
    """Yield every mistake in ``kind``, ``kubernetes`` and ``cluster``."""
    yield from _existing(stack)
    yield from _made(stack)
    yield from _host_ports(stack)
    yield from _parts(stack)
    yield from _images(stack)
    for name, workers in stack.cluster.ray_workers.items():
        if workers.min > workers.max:
            value, allowed = str(workers.min), f"at most max, which is {workers.max}"
            yield Finding(("cluster", "ray_workers", name, "min"), "is more than max", value, allowed)


def _existing(stack: StackSpec) -> Iterator[Finding]:
    if stack.target != "kubernetes":
        return
    if stack.kubernetes.context is None:
        fix = "kubernetes: {context: <name>}; kubectl config get-contexts lists them"
        yield Finding(("kubernetes",), "names no context: an up must not land in whichever is in use", fix=fix)
    if stack.cluster.ingress is None and stack.cluster.node_host is None:
        fix = "cluster: {ingress: {host: ml.example.org}}, or node_host: a node's address, for node ports"
        yield Finding(("cluster",), "says not how the platform is reached", fix=fix)


def _made(stack: StackSpec) -> Iterator[Finding]:
    ingress = stack.cluster.ingress
    if stack.target != "kind" or ingress is None:
        return
    if ingress.api != "gateway":
        what = "is for a cluster that is there: what served Ingresses in Kind clusters, ingress-nginx, is retired"
        fix = "api: gateway; or no ingress: the gateway has a host port of its own there, kind.ports.gateway"
        yield Finding(("cluster", "ingress", "api"), what, ingress.api, "gateway", fix=fix)
    if ingress.issuer is None and "tls_secret" in ingress.model_fields_set:
        what = "can't be there before the cluster is, which the stack makes"
        fix = "name an issuer too; or neither: the certificate is of the stack's own authority then"
        yield Finding(("cluster", "ingress", "tls_secret"), what, ingress.tls_secret, fix=fix)
    if stack.security.certificates and stack.security.certificates.acme_email:
        what = "asks an authority that would have to reach this machine at its port 80"
        path = ("security", "certificates", "acme_email")
        yield Finding(path, what, fix="certificates: {}: an authority of the cluster's own")


def _host_ports(stack: StackSpec) -> Iterator[Finding]:
    taken: dict[int, DoorName] = {}
    for door in get_args(DoorName):
        port = stack.kind.port(door)
        if port in taken:
            fix = f"choose another port for {door} or {taken[port]}"
            yield Finding(("kind", "ports"), f"{taken[port]} and {door} are on one port", str(port), fix=fix)
        taken.setdefault(port, door)


def _parts(stack: StackSpec) -> Iterator[Finding]:
    if "ray_worker" in stack.cluster.parts and stack.cluster.parts["ray_worker"].replicas is not None:
        fix = "cluster: {ray_workers: {workers: {min: …, max: …}}}"
        yield Finding(("cluster", "parts", "ray_worker", "replicas"), "is said elsewhere", fix=fix)
    for name, part in stack.cluster.parts.items():
        path = ("cluster", "parts", name)
        if name in SINGLE and (part.replicas or 1) > 1:
            yield Finding((*path, "replicas"), "runs once, as one process", str(part.replicas), "1")
        yield from _scale(path, name, part)
        limits = (("cpu_limit", part.cpu_limit, part.cpus), ("memory_limit_mb", part.memory_limit_mb, part.memory_mb))
        for key, limit, asked in limits:
            if limit is not None and asked is not None and limit < asked:
                yield Finding((*path, key), "is less than what is asked for", f"{limit:g}", f"at least {asked:g}")


def _scale(path: tuple[str, ...], name: str, part: PartSpec) -> Iterator[Finding]:
    if name in OPERATED and (part.scale or part.right_size):
        fix = "cluster: {ray_workers: {…: {min: …, max: …}}} for workers; a run's size is its own resources"
        yield Finding(
            (*path, "scale" if part.scale else "right_size"), "is not sized by an autoscaler of pods", fix=fix
        )
    if part.scale is None:
        return
    if name in SINGLE:
        yield Finding((*path, "scale"), "runs once, as one process", str(part.scale.max), "right_size for its requests")
    if part.replicas is not None and part.replicas >= part.scale.max:
        yield Finding((*path, "scale", "max"), "is no more than replicas", str(part.scale.max), f"over {part.replicas}")
    if part.right_size == "apply":
        what = "would change the requests that scale is measured against"
        yield Finding((*path, "right_size"), what, "apply", "recommend, or no scale")


def _images(stack: StackSpec) -> Iterator[Finding]:
    for name, image in stack.cluster.images.pins.items():
        tag = image.partition("@")[0].rsplit(":", 1)[-1]
        if "@sha256:" not in image and tag in MOVING:
            path = ("cluster", "images", "pins", name)
            yield Finding(path, "has a tag that means another image tomorrow", image, "a version, or @sha256:…")
