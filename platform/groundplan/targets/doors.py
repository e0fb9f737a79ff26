"""Where a platform in a cluster is reached from outside: known before there is a cluster."""

from collections.abc import Mapping
from typing import Literal

from groundplan.spec import StackSpec
from groundplan.spec.cluster import NODE_PORTS, DoorName

#: How a platform is reached: by a Kind cluster's host ports, a node's ports, an ingress, or AWS's balancer.
Outside = Literal["kind", "node", "ingress", "aws"]
#: Services that the gateway leads to below its own address.
BEHIND: tuple[DoorName, ...] = ("serve", "mlflow", "ray")
#: What a balancer leads to: people to the gateway, whoever deploys to the control plane.
BALANCED: tuple[DoorName, ...] = ("gateway", "controlplane")


def way(stack: StackSpec) -> Outside:
    """Return how a stack's platform is reached."""
    if stack.cluster.ingress is not None and not proxied(stack):
        return "ingress"
    if stack.target == "aws":
        return "aws"
    return "kind" if stack.target == "kind" else "node"


def proxied(stack: StackSpec) -> bool:
    """Return whether the stack itself installs what serves the Gateway API: its proxies have the gateway's door."""
    return stack.target == "kind" and stack.cluster.ingress is not None


def own_certificate(stack: StackSpec) -> bool:
    """Return whether people meet the gateway's own certificate, and not that of an issuer, an ingress, a balancer."""
    issued = stack.cluster.ingress is not None and stack.cluster.ingress.issuer is not None
    return way(stack) in ("kind", "node") and not issued


def opened(stack: StackSpec) -> frozenset[DoorName]:
    """Return the doors that every node opens: all, or those that a balancer leads to, or none behind an ingress."""
    where = way(stack)
    if where == "ingress":
        return frozenset()
    if proxied(stack):
        return frozenset(door for door in NODE_PORTS if door != "gateway")
    return frozenset(BALANCED if where == "aws" else NODE_PORTS)


def outside(stack: StackSpec) -> Mapping[DoorName, str]:
    """Return the address of every door as people and programs outside of the cluster use it.

    Where there is an ingress or a balancer, services are reached through the gateway alone.
    """
    ingress = stack.cluster.ingress
    if ingress is not None and not proxied(stack):
        return _named(ingress.host)
    if stack.aws is not None and stack.aws.door is not None:
        return _named(stack.aws.door.domain)
    if stack.target == "kind":
        return {door: f"{_kind_url(stack, door)}:{stack.kind.port(door)}" for door in NODE_PORTS}
    return {door: f"{_url(door, str(stack.cluster.node_host))}:{port}" for door, port in NODE_PORTS.items()}


def _named(host: str) -> Mapping[DoorName, str]:
    behind = {door: f"https://{host}/{door}" for door in BEHIND}
    return {"gateway": f"https://{host}", "controlplane": f"https://api.{host}", **behind}


def _kind_url(stack: StackSpec, door: DoorName) -> str:
    """By the declared host where the stack's own proxies have the gateway's door."""
    ingress = stack.cluster.ingress
    return f"https://{ingress.host}" if ingress and door == "gateway" else _url(door, stack.kind.host)


def _url(door: DoorName, host: str) -> str:
    """The gateway is called by a name where there is one: browsers keep what they are told by name."""
    if door == "gateway":
        return "https://localhost" if host == "127.0.0.1" else f"https://{host}"
    return f"http://{host}"
