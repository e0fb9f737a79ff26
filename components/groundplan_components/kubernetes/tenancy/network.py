"""NetworkPolicies: every namespace closed both ways, then one policy for what each end of a flow may do."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from groundplan.targets.flows import Flow, Peer
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place, dns

#: Names are asked of the cluster's own DNS, and of it alone.
DNS: Manifest = {
    "to": [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
            "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
        }
    ],
    "ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}],
}
COMPONENT = "network"


def network_policies(place: Place, flows: Iterable[Flow]) -> dict[str, Manifest]:
    """Return the policies of one namespace by name: ``default-deny``, ``dns``, ``from-…`` and ``to-…`` pods."""
    leaving: dict[Peer, list[Flow]] = defaultdict(list)
    entering: dict[Peer, list[Flow]] = defaultdict(list)
    for flow in flows:
        if flow.source.namespace == place.namespace:
            leaving[flow.source].append(flow)
        if flow.target.namespace == place.namespace:
            entering[flow.target].append(flow)
    found = [_deny(place), _dns(place)]
    found += [_policy(place, peer, "from", "Egress", each) for peer, each in sorted(leaving.items())]
    found += [_policy(place, peer, "to", "Ingress", each) for peer, each in sorted(entering.items())]
    return {manifest["metadata"]["name"]: manifest for manifest in found}


def _deny(place: Place) -> Manifest:
    return _manifest(place, "default-deny", {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})


def _dns(place: Place) -> Manifest:
    return _manifest(place, "dns", {"podSelector": {}, "policyTypes": ["Egress"], "egress": [DNS]})


def _policy(place: Place, peer: Peer, word: str, direction: str, flows: list[Flow]) -> Manifest:
    key, end = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    others = [(flow.target if direction == "Egress" else flow.source, flow) for flow in flows]
    rules = [_rule(end, other, flow) for other, flow in sorted(others, key=lambda each: each[0])]
    spec = {"podSelector": _pods(peer), "policyTypes": [direction], key: rules}
    reasons = "; ".join(sorted({f"{other.name}: {flow.why}" for other, flow in others}))
    return _manifest(place, f"{word}-{dns(peer.name)}", spec, {"groundplan.dev/why": reasons})


def _rule(end: str, other: Peer, flow: Flow) -> dict[str, Any]:
    rule: dict[str, Any] = {end: [_selector(other)]}
    ports = [{"protocol": "TCP", "port": port} for port in flow.ports]
    return rule | ({"ports": ports} if ports else {})


def _selector(peer: Peer) -> dict[str, Any]:
    if peer.cidr:
        return {"ipBlock": {"cidr": peer.cidr}}
    namespace = {"matchLabels": {"kubernetes.io/metadata.name": peer.namespace}}
    return {"namespaceSelector": namespace, "podSelector": _pods(peer)}


def _pods(peer: Peer) -> dict[str, Any]:
    return {"matchLabels": dict(peer.labels)} if peer.labels else {}


def _manifest(
    place: Place, name: str, spec: Mapping[str, Any], annotations: Mapping[str, str] | None = None
) -> Manifest:
    metadata = {**place.metadata(name, COMPONENT), **({"annotations": dict(annotations)} if annotations else {})}
    return {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": metadata, "spec": dict(spec)}
