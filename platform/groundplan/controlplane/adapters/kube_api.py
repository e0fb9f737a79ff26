"""The API server of the cluster that this process is a pod of, by its service account."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from groundplan.errors import ServiceError

#: Where a pod finds its account: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT = 30.0


class Unreachable(ServiceError):
    """The API server does not answer now; it may later."""


class KubeApi:
    """One HTTP client for all threads; the token is read at every request, since the kubelet renews it."""

    def __init__(self, account: Path = ACCOUNT) -> None:
        host, port = os.environ["KUBERNETES_SERVICE_HOST"], os.environ["KUBERNETES_SERVICE_PORT"]
        self._url, self._account = f"https://{host}:{port}", account
        trusted = ssl.create_default_context(cafile=str(account / "ca.crt"))
        self._http = httpx.Client(
            base_url=self._url, verify=trusted, timeout=httpx.Timeout(TIMEOUT, connect=5), trust_env=False
        )

    @property
    def namespace(self) -> str:
        """The namespace that this pod is in."""
        return (self._account / "namespace").read_text().strip()

    def owner(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        """Return a reference to what something that we make belongs to: with its removal the cluster removes it, too.

        ``kind``: one of the core group. ServiceError when the owner is not there.
        """
        answer = self.ask("GET", f"/api/v1/namespaces/{namespace}/{kind.lower()}s/{name}")
        if answer.status_code != 200:
            raise ServiceError(f"{kind} {namespace}/{name}: {message(answer)}; fix: groundplan up")
        return {"apiVersion": "v1", "kind": kind, "name": name, "uid": answer.json()["metadata"]["uid"]}

    def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        content: str = "application/json",
    ) -> httpx.Response:
        """Return the answer, of a status below 500.

        Raises:
            Unreachable: nothing answers, or what answers cannot work now (429, 5xx).
            ServiceError: this account may not do it.
        """
        token = (self._account / "token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": content}
        try:
            answer = self._http.request(method, path, json=body, params=query, headers=headers)
        except httpx.TransportError as error:
            raise Unreachable(f"the API server does not answer at {self._url} ({type(error).__name__})") from error
        if answer.status_code == 429 or answer.status_code >= 500:
            raise Unreachable(f"the API server at {self._url} cannot work now: {message(answer)}")
        if answer.status_code in (401, 403):
            raise ServiceError(f"the API server does not let the control plane: {message(answer)}; fix: groundplan up")
        return answer


def message(answer: httpx.Response) -> str:
    """Return what a refusal says, in one line."""
    try:
        text = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        text = answer.text
    return " ".join(text.split())[:300] or "no message"
