"""Ray's dashboard over HTTP: the door of jobs and of Serve. No Ray is imported here."""

from collections.abc import Mapping
from typing import Any

import httpx

from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

#: Seconds for one answer. Submitting waits for an agent, and a first PUT starts Serve.
TIMEOUT = 60.0


class Unreachable(ServiceError):
    """Ray does not answer now; it may later."""


class Dashboard:
    """One HTTP client for all threads. Reads the token at every request: it may have been rotated."""

    def __init__(self, runtime: Runtime, url: str | None = None) -> None:
        self._runtime = runtime
        self._url = url or runtime.endpoint("ray")
        self._http = httpx.Client(base_url=self._url, timeout=httpx.Timeout(TIMEOUT, connect=5), trust_env=False)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> httpx.Response:
        """Return the answer, of a status below 500.

        Raises:
            Unreachable: nothing answers, or what answers cannot work now (5xx).
            ServiceError: the token is not accepted.
        """
        try:
            answer = self._http.request(method, path, json=body, headers=self._headers())
        except httpx.TransportError as error:
            what = f"Ray does not answer at {self._url} ({type(error).__name__}); fix: groundplan logs ray"
            raise Unreachable(what) from error
        if answer.status_code in (401, 403):
            raise ServiceError(f"Ray at {self._url} does not accept the token ray-token; fix: groundplan up")
        if answer.status_code >= 500:
            raise Unreachable(f"Ray at {self._url} cannot work now: {one_line(answer.text)}; fix: groundplan logs ray")
        return answer

    def _headers(self) -> dict[str, str]:
        if not self._runtime.secret_file("ray-token").exists():  # a cluster that asks for none
            return {}
        return {"Authorization": f"Bearer {self._runtime.secret('ray-token')}"}


def one_line(text: str, limit: int = 300) -> str:
    """Return the last line of a text that says something, shortened: of a traceback, its error."""
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip(" |+-\t")]
    return lines[-1][:limit] if lines else "no message"
