"""Applications that are one process each: told over HTTP what is live, by the control plane's own token."""

from collections.abc import Mapping
from typing import Any

import httpx

from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

#: Seconds for one telling: both halves are loaded in it. A look is answered at once.
TELL, LOOK = 300.0, 5.0


class Singles:
    """Tells and looks at processes. Their addresses are read anew each time: one may have been declared meanwhile."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._http = httpx.Client(trust_env=False)

    def observe(self, project: str, name: str) -> dict[str, Any] | None:
        """Return what a process was told (``shape``, ``live``); None when it does not run or was told nothing yet."""
        return self._told(project, name) or None

    def has_forgotten(self, project: str, name: str) -> bool:
        """Whether a process runs and was told nothing: it was restarted."""
        return self._told(project, name) == {}

    def _told(self, project: str, name: str) -> dict[str, Any] | None:
        url = self._url(project, name)
        if url is None:
            return None
        try:
            answer = self._http.get(f"{url}/-/live", headers=self._headers(), timeout=LOOK)
        except httpx.TransportError:
            return None
        if answer.status_code != 200:
            raise ServiceError(f"{project}/{name} at {url} answers {answer.status_code}; fix: groundplan logs")
        return dict(answer.json())

    def put(self, project: str, name: str, told: Mapping[str, Any]) -> None:
        """Tell a process what is live; return when it has taken it over. ServiceError when it does not."""
        url = self._url(project, name)
        if url is None:
            raise ServiceError(f"{project}/{name} has no process yet; fix: groundplan up")
        try:
            answer = self._http.put(f"{url}/-/live", json=told, headers=self._headers(), timeout=TELL)
        except httpx.TransportError as error:
            what = f"{project}/{name} does not answer at {url} ({type(error).__name__})"
            raise ServiceError(f"{what}; fix: groundplan logs {service_name(project, name)}") from error
        if answer.status_code != 200:
            raise ServiceError(f"{project}/{name} does not take its config: {' '.join(answer.text.split())[:300]}")

    def endpoint(self, project: str, name: str) -> str | None:
        """Return the URL of a process, None where there is none."""
        url = self._url(project, name)
        return f"{url}/{project}/{name}" if url else None

    def _url(self, project: str, name: str) -> str | None:
        return Runtime.load().applications.get(f"{project}/{name}")

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._runtime.secret('controlplane-token')}"}


def service_name(project: str, name: str) -> str:
    """Return what the supervisor calls the process of an application."""
    return f"serving-{project}-{name}"
