"""A small client of the Kubernetes API: any kind, found by discovery; server-side apply; foreground deletion."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from groundplan.errors import GroundplanError
from groundplan.provider.handler import Unreachable
from tests.support.kube.kubeconfig import Access

Object = dict[str, Any]
APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class ApiError(GroundplanError):
    """The API server said no. ``code`` is HTTP's, ``reason`` Kubernetes' (``NotFound``, ``Invalid`` …)."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(message)


class UnknownKind(GroundplanError):
    """The cluster serves no such kind: its CRD is not there (yet)."""


@dataclass(frozen=True)
class Kind:
    """Where objects of one kind live in the API."""

    prefix: str
    plural: str
    namespaced: bool


@dataclass(frozen=True)
class Name:
    """Which object: the names that identify it in a cluster."""

    api_version: str
    kind: str
    namespace: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace + '/' if self.namespace else ''}{self.name}"


def name_of(thing: Mapping[str, Any]) -> Name:
    """Return which object a manifest is about."""
    metadata = thing.get("metadata") or {}
    return Name(thing["apiVersion"], thing["kind"], metadata.get("namespace"), metadata.get("name") or "")


class Api:
    """One cluster. Thread-safe. Every method raises :class:`ApiError`, or Unreachable when nothing answers."""

    def __init__(self, access: Access, timeout: float = 30.0) -> None:
        headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}
        limits = httpx.Limits(max_connections=32)
        self._server = access.server
        self._http = httpx.Client(
            base_url=access.server,
            verify=access.tls,
            headers=headers,
            timeout=httpx.Timeout(timeout, connect=4.0),
            limits=limits,
            trust_env=False,
        )
        self._kinds: dict[tuple[str, str], Kind] = {}
        self._lock = threading.Lock()

    def get(self, name: Name) -> Object | None:
        """Return an object, or None where there is none."""
        try:
            return self.call("GET", self.path(name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise

    def list(self, api_version: str, kind: str, namespace: str | None = None, **query: str) -> list[Object]:
        """Return all objects of a kind, of one namespace or of all; ``query`` are selectors."""
        found = self.kind(api_version, kind)
        scope = f"/namespaces/{namespace}" if namespace else ""
        items = self.call("GET", f"{found.prefix}{scope}/{found.plural}", **query).get("items") or []
        return [{"apiVersion": api_version, "kind": kind, **item} for item in items]

    def apply(self, thing: Mapping[str, Any], manager: str, *, force: bool = True, dry_run: bool = False) -> Object:
        """Apply a manifest server-side; unknown fields are refused. Return the object as it then is."""
        query = {"fieldManager": manager, "force": str(force).lower(), "fieldValidation": "Strict"}
        if dry_run:
            query["dryRun"] = "All"
        return self.call("PATCH", self.path(name_of(thing)), body=thing, content=APPLY, **query)

    def merge(self, name: Name, patch: Mapping[str, Any], manager: str = "kubectl-edit") -> Object:
        """Change an object as a person with ``kubectl edit`` would."""
        return self.call("PATCH", self.path(name), body=patch, content=MERGE, fieldManager=manager)

    def delete(self, name: Name, propagation: str = "Foreground") -> bool:
        """Ask for an object to be deleted; False when it was gone already."""
        try:
            self.call("DELETE", self.path(name), body={"propagationPolicy": propagation})
        except ApiError as error:
            if error.code == 404:
                return False
            raise
        return True

    def kind(self, api_version: str, kind: str) -> Kind:
        """Return where a kind lives; :class:`UnknownKind` when the cluster does not serve it."""
        key = (api_version, kind)
        with self._lock:
            if key not in self._kinds:
                self._discover(api_version)
            if key not in self._kinds:
                raise UnknownKind(f"{api_version} {kind}: the cluster serves no such kind; is its CRD installed?")
            return self._kinds[key]

    def path(self, name: Name) -> str:
        """Return the path of an object."""
        kind = self.kind(name.api_version, name.kind)
        if kind.namespaced and not name.namespace:
            raise GroundplanError(f"{name}: metadata.namespace: missing; fix: name one")
        scope = f"/namespaces/{name.namespace}" if kind.namespaced else ""
        return f"{kind.prefix}{scope}/{kind.plural}/{name.name}"

    def call(self, method: str, path: str, *, body: Any = None, content: str = "application/json", **query: str) -> Any:
        """Call the API and return its answer's JSON."""
        try:
            headers = {"Content-Type": content}
            answer = self._http.request(method, path, params=query, json=body, headers=headers)
        except httpx.TransportError as error:
            reason = str(error) or type(error).__name__
            raise Unreachable(f"the Kubernetes cluster at {self._server} cannot be reached ({reason})") from error
        if answer.is_success:
            return answer.json() if "json" in answer.headers.get("content-type", "") else answer.text
        raise _refusal(answer)

    def _discover(self, api_version: str) -> None:
        prefix = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        try:
            found = self.call("GET", prefix)
        except ApiError as error:
            if error.code == 404:
                return
            raise
        for each in found["resources"]:
            if "/" not in each["name"]:
                self._kinds[api_version, each["kind"]] = Kind(prefix, each["name"], each["namespaced"])


def _refusal(answer: httpx.Response) -> ApiError:
    try:
        status = answer.json()
    except ValueError:
        return ApiError(answer.status_code, answer.reason_phrase, answer.text.strip() or answer.reason_phrase)
    message = " ".join(str(status.get("message") or answer.reason_phrase).split())
    return ApiError(answer.status_code, status.get("reason") or answer.reason_phrase, message)
