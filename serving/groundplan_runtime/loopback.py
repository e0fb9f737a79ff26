"""Keeps Ray's workers on loopback. Ray calls :func:`apply` in each of them, before it runs anything.

A Serve replica listens at ``[::]``, at a random port, for calls from other replicas: without asking for a token it
unpickles what it is sent. Nothing in Ray 2.60 tells it another address.
"""

import sys
from collections.abc import Callable
from typing import Any

HOST = "127.0.0.1"
EVERYWHERE = ("[::]:", "0.0.0.0:")
Bind = Callable[[Any, str], int]


def on_loopback(bind: Bind) -> Bind:
    """Return ``bind(server, address)`` with an address that means every interface turned into loopback."""

    def bound(server: Any, address: str) -> int:
        every = next((prefix for prefix in EVERYWHERE if address.startswith(prefix)), None)
        return bind(server, f"{HOST}:{address.removeprefix(every)}" if every else address)

    return bound


def apply() -> None:
    """Replace the one function by which Ray's Python side binds gRPC servers."""
    from ray._common import network_utils, tls_utils

    # Behind its fast proxy, Serve lets replicas listen everywhere, so that proxies on other nodes reach them.
    network_utils.get_all_interfaces_ip = lambda *_: HOST
    bind = on_loopback(tls_utils.add_port_to_grpc_server)
    tls_utils.add_port_to_grpc_server = bind
    replica = sys.modules.get("ray.serve._private.replica")
    if replica is not None:
        replica.add_port_to_grpc_server = bind  # type: ignore[attr-defined]


def without_client_server(parameters: Any, _head: bool) -> None:
    """Called by ``ray start`` of the head: the client server is one more door and process; jobs come over HTTP."""
    parameters.ray_client_server_port = None
