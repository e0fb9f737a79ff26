"""The control plane's REST API, as the ML handlers use it."""

import getpass
import os
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import stamina
import stamina.instrumentation

from groundplan.errors import GroundplanError, ServiceError
from groundplan.provider.handler import Unreachable

#: Seconds for one answer, for a look at what is there, for a connection, and for a control plane that restarts.
ANSWER, LOOK, CONNECT, PATIENCE = 60.0, 20.0, 3.0, 45.0

ACTOR = re.compile(r"[\w.@+-]{1,100}", re.ASCII)

# Nothing but the port and the engine's protocol may reach our standard output.
stamina.instrumentation.set_on_retry_hooks([])


def authorities() -> ssl.SSLContext:
    """Return whom a certificate may be signed by: httpx' list, and whoever this machine trusts (``SSL_CERT_FILE``).

    An organisation's own authority signs what is behind its ingress.
    """
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()
    return context


class ControlPlane:
    """One control plane: where it is, and the file with its token, read at every request. Thread-safe."""

    _http = httpx.Client(timeout=httpx.Timeout(ANSWER, connect=CONNECT), trust_env=False, verify=authorities())

    def __init__(self, config: Mapping[str, str]) -> None:
        self._endpoint = config.get("endpoint", "").rstrip("/")
        self._token_file = config.get("token_file", "")
        if not self._endpoint:
            raise GroundplanError("the provider has no endpoint; fix: set `endpoint` on the provider resource")

    def look(self, path: str, patience: float = LOOK) -> dict[str, Any] | None:
        """GET once; ``None`` where nothing is. Unreachable when there is no answer within ``patience`` seconds."""
        return self.consult("GET", path, patience=patience)

    def consult(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, patience: float = LOOK
    ) -> dict[str, Any] | None:
        """Ask once something that changes nothing; as :meth:`look`."""
        try:
            answer = self._send(method, path, json=body, timeout=httpx.Timeout(patience, connect=CONNECT))
        except (httpx.TransportError, FileNotFoundError) as error:
            raise Unreachable(f"the control plane at {self._endpoint} does not answer ({_why(error)})") from error
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise Unreachable(_told(answer))
        return None if answer.status_code == httpx.codes.NOT_FOUND else _checked(answer)

    def lines(self, path: str) -> Iterator[str]:
        """Yield the lines of an answer as they come. ServiceError when there is no answer, or it breaks off."""
        with (
            _unanswered(self._endpoint),
            self._http.stream("GET", f"{self._endpoint}{path}", headers=self._who()) as answer,
        ):
            if answer.is_error:
                answer.read()
            _refuse(answer)
            yield from answer.iter_lines()

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        """Send JSON, get JSON; ``None`` for 404. A control plane that restarts is waited for. ServiceError else."""
        answer = self._persist(method, path, json=body)
        return None if answer.status_code == httpx.codes.NOT_FOUND else _checked(answer)

    def has(self, path: str) -> bool:
        """Whether something is there."""
        answer = self._persist("HEAD", path)
        if answer.status_code == httpx.codes.NOT_FOUND:
            return False
        _refuse(answer)
        return True

    def upload(self, path: str, content: bytes, type: str = "application/zip") -> None:
        """PUT bytes: a zip, unless another type is named."""
        _refuse(self._persist("PUT", path, content=content, headers={"Content-Type": type}))

    def download(self, path: str) -> bytes:
        """GET bytes. ServiceError when there are none."""
        answer = self._persist("GET", path)
        _refuse(answer)
        return answer.content

    def _persist(self, method: str, path: str, **parts: Any) -> httpx.Response:
        with _unanswered(self._endpoint):
            for attempt in stamina.retry_context(on=httpx.TransportError, attempts=None, timeout=PATIENCE, wait_max=2):
                with attempt:
                    return self._send(method, path, **parts)
        raise AssertionError("unreachable: a retry ends with an answer or an error")

    def _send(self, method: str, path: str, **parts: Any) -> httpx.Response:
        headers = {**self._who(), **parts.pop("headers", {})}
        return self._http.request(method, f"{self._endpoint}{path}", headers=headers, **parts)

    def _who(self) -> dict[str, str]:
        token = Path(self._token_file).read_text().strip()
        return {"Authorization": f"Bearer {token}", "X-Groundplan-Actor": actor()}


def actor() -> str:
    """Return who asks, as the history tells it: GROUNDPLAN_ACTOR, or else the name of the user.

    GroundplanError for a name that cannot be one.
    """
    try:
        name = os.environ.get("GROUNDPLAN_ACTOR") or getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        return "deployer"
    if not ACTOR.fullmatch(name):
        allowed = "up to 100 letters, digits and . @ + - _"
        raise GroundplanError(f"GROUNDPLAN_ACTOR: is no name; got {name!r}; allowed: {allowed}; fix: ann@example.org")
    return name


@contextmanager
def _unanswered(endpoint: str) -> Iterator[None]:
    try:
        yield
    except httpx.TransportError as error:
        raise ServiceError(
            f"the control plane at {endpoint} does not answer ({_why(error)}); fix: groundplan logs controlplane"
        ) from error
    except FileNotFoundError as error:
        raise ServiceError(f"{error.filename}: the control plane's token is missing; fix: groundplan up") from error


def _why(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _refuse(answer: httpx.Response) -> None:
    if answer.is_error:
        raise ServiceError(_told(answer))


def _checked(answer: httpx.Response) -> dict[str, Any]:
    _refuse(answer)
    return dict(answer.json()) if answer.content else {}


def _told(answer: httpx.Response) -> str:
    """The answer's error as one line; whoever answers without one is named."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.method} {answer.request.url}: HTTP {answer.status_code}"
    return explain(error)


def explain(error: Mapping[str, Any] | str | None) -> str:
    """Return an error of the API (``what, path, value, allowed, fix``) as one line."""
    if not isinstance(error, Mapping):
        return " ".join(str(error or "no reason given").split())
    where, what = error.get("path"), error.get("what") or "no reason given"
    parts = [f"{where}: {what}" if where else str(what)]
    parts += [f"{word}{error[key]}" for key, word in _WORDS.items() if error.get(key) is not None]
    return " ".join("; ".join(parts).split())


_WORDS = {"value": "got ", "allowed": "allowed: ", "fix": "fix: "}


def resource_path(project: str, slug: str, name: str) -> str:
    """Return the route of one resource."""
    return f"/v1/projects/{quote(project, safe='')}/resources/{slug}/{quote(name, safe='@')}"
