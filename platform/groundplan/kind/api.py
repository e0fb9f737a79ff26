"""The few questions that are asked of a cluster's own API: which nodes, with what labels and how many GPUs."""

import base64
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import httpx

from groundplan.errors import ServiceError

PATIENCE = 10.0


@dataclass(frozen=True)
class Node:
    """A node: its name, labels, whether it is ready, and the capacity that it claims."""

    name: str
    labels: Mapping[str, str]
    ready: bool
    capacity: Mapping[str, str]


class Api:
    """A cluster's API, with the rights of a kubeconfig. Close it, or use it in a ``with``."""

    def __init__(self, kubeconfig: str) -> None:
        cluster, user = _current(kubeconfig)
        self._http = httpx.Client(
            base_url=cluster["server"], verify=_trust(cluster, user), timeout=PATIENCE, trust_env=False
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def nodes(self) -> list[Node]:
        """Return every node. ServiceError when the API does not answer."""
        return [_node(item) for item in self._ask("GET", "/api/v1/nodes")["items"]]

    def claim(self, node: str, resource: str, amount: int) -> None:
        """Let a node claim an extended resource, as a device plugin would; the scheduler believes it."""
        patch = {"status": {"capacity": {resource: str(amount)}, "allocatable": {resource: str(amount)}}}
        headers = {"Content-Type": "application/merge-patch+json"}
        self._ask("PATCH", f"/api/v1/nodes/{node}/status", json=patch, headers=headers)

    def _ask(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            answer = self._http.request(method, path, **more)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise ServiceError(f"the cluster's API at {self._http.base_url} does not answer: {why}") from None
        if answer.status_code != 200:
            raise ServiceError(f"the cluster's API refuses {method} {path}: {answer.status_code} {answer.text[:200]}")
        return dict(answer.json())


def _node(item: Mapping[str, Any]) -> Node:
    metadata, status = item["metadata"], item.get("status", {})
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in status.get("conditions", ()))
    return Node(metadata["name"], metadata.get("labels", {}), ready, status.get("capacity", {}))


def _current(kubeconfig: str) -> tuple[dict[str, Any], dict[str, Any]]:
    import yaml  # noqa: PLC0415 - only where there is a Kind cluster: every plugin loads this module

    try:
        document = yaml.safe_load(kubeconfig)
        contexts = {each["name"]: each["context"] for each in document["contexts"]}
        named = contexts[document["current-context"]]
        clusters = {each["name"]: each["cluster"] for each in document["clusters"]}
        users = {each["name"]: each["user"] for each in document["users"]}
        return clusters[named["cluster"]], users[named["user"]]
    except (yaml.YAMLError, KeyError, TypeError) as error:
        raise ServiceError(f"the cluster's kubeconfig cannot be read: {type(error).__name__} {error}") from None


def _trust(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext | bool:
    """Only the cluster's own authority; the client's certificate goes through files, which is all that ssl takes."""
    if not str(cluster["server"]).startswith("https://"):
        return False
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    with tempfile.TemporaryDirectory() as folder:
        pair = [Path(folder) / name for name in ("chain.pem", "key.pem")]
        for path, key in zip(pair, ("client-certificate-data", "client-key-data"), strict=True):
            path.touch(mode=0o600)
            path.write_bytes(base64.b64decode(user[key]))
        context.load_cert_chain(str(pair[0]), str(pair[1]))
    return context
