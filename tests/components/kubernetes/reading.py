"""Reads NetworkPolicies as a cluster does: who may reach whom. Written from the API's documentation, not from ours."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

Policy = Mapping[str, Any]


@dataclass(frozen=True)
class Pod:
    """A pod, or with ``address`` something outside of the cluster."""

    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    address: str = ""


def may(policies: Iterable[Policy], source: Pod, target: Pod, port: int, protocol: str = "TCP") -> bool:
    """Whether a connection is allowed: by the source's egress and by the target's ingress."""
    every = list(policies)
    return _side(every, source, target, "Egress", port, protocol) and _side(
        every, target, source, "Ingress", port, protocol
    )


def _side(policies: list[Policy], own: Pod, other: Pod, direction: str, port: int, protocol: str) -> bool:
    if own.address:
        return True
    chosen = [p for p in policies if _selected(p, own) and direction in p["spec"]["policyTypes"]]
    if not chosen:
        return True  # what no policy selects is open
    key, end = ("egress", "to") if direction == "Egress" else ("ingress", "from")
    rules = [rule for policy in chosen for rule in policy["spec"].get(key, ())]
    return any(_ports(rule, port, protocol) and _peers(rule.get(end), other) for rule in rules)


def _selected(policy: Policy, pod: Pod) -> bool:
    return policy["metadata"]["namespace"] == pod.namespace and _match(policy["spec"]["podSelector"], pod.labels)


def _match(selector: Mapping[str, Any], labels: Iterable[tuple[str, str]]) -> bool:
    assert set(selector) <= {"matchLabels"}
    return set(selector.get("matchLabels", {}).items()) <= set(labels)


def _ports(rule: Mapping[str, Any], port: int, protocol: str) -> bool:
    return "ports" not in rule or any(p["port"] == port and p["protocol"] == protocol for p in rule["ports"])


def _peers(peers: Any, other: Pod) -> bool:
    return peers is None or any(_peer(peer, other) for peer in peers)


def _peer(peer: Mapping[str, Any], other: Pod) -> bool:
    if "ipBlock" in peer:
        return bool(other.address) and ip_address(other.address) in ip_network(peer["ipBlock"]["cidr"])
    if other.address:
        return False
    names = {("kubernetes.io/metadata.name", other.namespace)}
    return _match(peer["namespaceSelector"], names) and _match(peer["podSelector"], other.labels)
