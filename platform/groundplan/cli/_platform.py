"""The running platform of an environment: where it answers, and how to ask it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from groundplan.cli._checkout import Checkout
from groundplan.compose import load_stack
from groundplan.errors import GroundplanError, ServiceError
from groundplan.spec import StackSpec

HOST = "http://127.0.0.1"


@dataclass(frozen=True)
class Platform:
    """A stack as declared, and its control plane and serving at the declared ports."""

    checkout: Checkout
    stack: StackSpec

    @property
    def data(self) -> Path:
        """The stack's data folder."""
        return self.checkout.root / self.stack.local.data_dir

    def address(self, service: str) -> str:
        """URL of a service that speaks HTTP."""
        return f"{HOST}:{self.stack.local.port(service)}"

    def get(self, path: str, **parameters: Any) -> Any:
        """Answer of the control plane to ``GET /v1<path>``; :class:`ServiceError` when it is down or refuses."""
        return self._control("GET", path, params=parameters)

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Answer of the control plane to ``POST /v1<path>``."""
        return self._control("POST", path, json=body or {})

    def predict(self, route: str, entities: list[dict[str, Any]]) -> Any:
        """Answer of a serving application to a batch of entities."""
        url = f"{self.address('serve')}{route}/predict/feast/batch"
        return _ask("POST", url, f"serving at {url}", self.checkout.env, timeout=60.0, json={"entities": entities})

    def _control(self, method: str, path: str, **request: Any) -> Any:
        url = f"{self.address('controlplane')}/v1{path}"
        headers = {"Authorization": f"Bearer {self._token()}"}
        what = f"the control plane at {self.address('controlplane')}"
        return _ask(method, url, what, self.checkout.env, timeout=45.0, headers=headers, **request)

    def _token(self) -> str:
        file = self.data / "secrets" / "controlplane-token"
        try:
            return file.read_text().strip()
        except FileNotFoundError:
            env = self.checkout.env
            raise ServiceError(
                f"nothing is deployed in {env!r} ({file} is missing); fix: groundplan up {env}"
            ) from None


def open_platform(checkout: Checkout) -> Platform:
    """The platform that ``stacks/<env>.yaml`` declares."""
    return Platform(checkout, load_stack(checkout.root, checkout.env))


def _ask(method: str, url: str, what: str, env: str, timeout: float, **request: Any) -> Any:
    try:
        # Loopback is never reached through a proxy.
        with httpx.Client(trust_env=False, timeout=httpx.Timeout(timeout, connect=5.0)) as client:
            answer = client.request(method, url, **request)
    except httpx.TransportError as error:
        raise ServiceError(
            f"{what} does not answer ({error or type(error).__name__}); fix: groundplan up {env}, "
            f"and look at: groundplan logs controlplane {env}"
        ) from error
    if answer.is_success:
        return answer.json()
    raise GroundplanError(_one_line(answer, what))


def _one_line(answer: httpx.Response, what: str) -> str:
    """The platform's error as one line: what, where, the value given, the values allowed, the fix."""
    try:
        error = answer.json()["error"]
    except (ValueError, KeyError, TypeError):
        return f"{what} answered {answer.status_code}: {answer.text[:200].strip() or answer.reason_phrase}"
    if not isinstance(error, dict):
        return str(error)
    parts = [f"{error['path']}: {error.get('what')}" if error.get("path") else str(error.get("what"))]
    for key, label in (("value", "got"), ("allowed", "allowed:"), ("fix", "fix:")):
        if error.get(key) not in (None, ""):
            parts.append(f"{label} {error[key]}")
    return "; ".join(parts).replace("\n", " ")
