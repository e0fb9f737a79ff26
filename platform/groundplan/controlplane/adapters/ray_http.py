"""Ray's dashboard over HTTP, with its token. What the adapters of jobs and of Serve share."""

from typing import Any

import httpx

from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime


class RayHttp:
    """A client of one Ray dashboard. Thread-safe; the token is read at every request."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._http = httpx.Client(timeout=httpx.Timeout(60, connect=3), trust_env=False)

    def ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Send one request. ServiceError when Ray does not answer, or answers with a server's error."""
        headers = {"Authorization": f"Bearer {self._runtime.secret('ray-token')}"}
        url = f"{self._runtime.endpoint('ray')}{path}"
        try:
            answer = self._http.request(method, url, headers=headers, **parts)
        except httpx.HTTPError as error:
            raise ServiceError(f"Ray does not answer at {url} ({error}); see: groundplan logs ray") from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"Ray answered {answer.status_code} to {method} {path}: {last_line(answer.text)}")
        return answer


def last_line(text: str) -> str:
    """Return the last line that says something, of at most 300 characters."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:300] if lines else "no reason given"
