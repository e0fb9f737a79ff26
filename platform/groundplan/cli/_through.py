"""The platform behind a gateway, asked with the token of whoever is signed in."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from groundplan.cli._gateway import Gateway
from groundplan.provider.rest import ANSWER, CONNECT, ControlPlane


def client(gateway: Gateway) -> httpx.Client:
    """Return a client that trusts the gateway. This machine is never reached through a proxy."""
    near = httpx.URL(gateway.url).host in ("localhost", "127.0.0.1", "::1")
    timeout = httpx.Timeout(ANSWER, connect=CONNECT)
    return httpx.Client(verify=gateway.verify(), timeout=timeout, trust_env=not near)


class ThroughGateway(ControlPlane):
    """The control plane behind a gateway."""

    def __init__(self, gateway: Gateway, token: Callable[[], str]) -> None:
        super().__init__({"endpoint": gateway.url})
        self._http = client(gateway)
        self._token = token

    def _who(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def standing(services: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what ``/services`` tells as ``status`` lists services: whether each is up, or need not be yet."""
    told = services["services"]
    return [
        {"name": s["name"], "up": s["health"] != "down", "state": s["health"], "pid": None, "log": ""} for s in told
    ]
