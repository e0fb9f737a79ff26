"""Which image each part runs: the platform's own, tagged by what is in them; upstream's, pinned by version."""

from collections.abc import Mapping
from pathlib import Path

from groundplan.images import tags
from groundplan.spec import StackSpec
from groundplan.spec.cluster import ImagesSpec
from groundplan.targets.doors import proxied

#: What runs as its makers built it. Pin another, or the same by digest, with ``cluster.images.pins``.
UPSTREAM = {
    "ray_operator": "quay.io/kuberay/operator:v1.6.1",
    "prometheus": "quay.io/prometheus/prometheus:v3.5.0",
    "grafana": "docker.io/grafana/grafana:12.2.0",
}
#: The same, where the stack's own proxies are before the gateway: Envoy of the version that Envoy Gateway names.
PROXIED = {
    "gateway_operator": "docker.io/envoyproxy/gateway:v1.9.1",
    "proxy": "docker.io/envoyproxy/envoy:distroless-v1.39.1",
}
#: The same, where an issuer makes the certificate that they show.
CERT_MANAGER = {
    "cert_manager": "quay.io/jetstack/cert-manager-controller:v1.21.2",
    "cert_manager_cainjector": "quay.io/jetstack/cert-manager-cainjector:v1.21.2",
    "cert_manager_check": "quay.io/jetstack/cert-manager-startupapicheck:v1.21.2",
    "cert_manager_webhook": "quay.io/jetstack/cert-manager-webhook:v1.21.2",
}


def brought(stack: StackSpec) -> Mapping[str, str]:
    """Return the images of what a stack brings into a cluster of its own, by name."""
    ingress = stack.cluster.ingress
    if ingress is None or not proxied(stack):
        return {}
    return PROXIED if ingress.issuer is None else {**PROXIED, **CERT_MANAGER}


def images(spec: ImagesSpec, root: Path, more: Mapping[str, str] | None = None) -> Mapping[str, str]:
    """Return image name → reference, each of which means the same image for ever. ``more``: see :func:`brought`.

    GroundplanError when the checkout lacks what our own are made from.
    """
    own = {name: f"{spec.registry}/{name}:{tag}" for name, tag in tags(root).items() if name not in spec.pins}
    pinned = {str(name): image for name, image in spec.pins.items()}
    return {**UPSTREAM, **(more or {}), **own, **pinned}
