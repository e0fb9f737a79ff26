"""The network of a real node on this machine: a namespace of its own, joined to the host by a pair of interfaces."""

import subprocess
from pathlib import Path

NAMESPACE = "groundplan-node"
HOST, NODE = "10.99.0.1", "10.99.0.2"
OUTER, INNER = "gpnode0", "gpnode1"
#: Addresses of the node's pods, out of the cluster's range.
PODS = "10.244.77.0/24"
INSIDE = ("nsenter", f"--net=/run/netns/{NAMESPACE}")
NAMESPACES = Path("/run/netns")


def connect(routes: tuple[str, ...]) -> None:
    """Make the namespace, the pair and the host's ``routes`` to what is behind it. RuntimeError when ``ip`` says no."""
    _ip("netns", "add", NAMESPACE)
    _ip("link", "add", OUTER, "type", "veth", "peer", "name", INNER, "netns", NAMESPACE)
    _ip("addr", "add", f"{HOST}/24", "dev", OUTER)
    _ip("link", "set", OUTER, "up")
    _ip("-n", NAMESPACE, "addr", "add", f"{NODE}/24", "dev", INNER)
    _ip("-n", NAMESPACE, "link", "set", INNER, "up")
    _ip("-n", NAMESPACE, "link", "set", "lo", "up")
    _ip("-n", NAMESPACE, "route", "add", "default", "via", HOST)
    for each in routes:
        _ip("route", "add", each, "via", NODE)
    for key in ("ip_forward", "conf/all/route_localnet"):
        # Of the namespace only: the host's own stay as they are.
        _run(*INSIDE, "sh", "-c", f"echo 1 > /proc/sys/net/ipv4/{key}")


def disconnect() -> None:
    """Remove all of it; what is not there is passed over. The host's routes go with their interface."""
    # The pair first: a namespace takes its end along some time after it is gone, and the other end then vanishes.
    if Path(f"/sys/class/net/{OUTER}").exists():
        _ip("link", "del", OUTER)
    if (NAMESPACES / NAMESPACE).exists():
        _ip("netns", "del", NAMESPACE)


def sandboxes() -> set[str]:
    """Names of the network namespaces that pods have."""
    return {each.name for each in NAMESPACES.glob("cni-*")} if NAMESPACES.exists() else set()


def remove(namespaces: set[str]) -> None:
    """Remove namespaces of pods that nothing else removed."""
    for each in sorted(namespaces):
        _ip("netns", "del", each)


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip() or done.returncode}")
