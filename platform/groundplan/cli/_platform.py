"""The running platform of an environment: where it answers, and how to ask it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from groundplan.cli._checkout import Checkout
from groundplan.compose import load_stack
from groundplan.errors import GroundplanError, ServiceError
from groundplan.provider.handler import Unreachable
from groundplan.provider.rest import LOOK, ControlPlane, explain
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
        """URL of a service that speaks HTTP; the gateway's certificate names ``localhost``."""
        if service == "gateway":
            return f"https://localhost:{self.stack.local.port(service)}"
        return f"{HOST}:{self.stack.local.port(service)}"

    def get(self, path: str, patience: float = LOOK) -> dict[str, Any]:
        """Answer of the control plane to ``GET /v1<path>``, within ``patience`` seconds.

        Raises :class:`ServiceError` when it is down, :class:`GroundplanError` when it has no such thing.
        """
        try:
            answer = self._control().look(f"/v1{path}", patience)
        except Unreachable as error:
            raise ServiceError(f"{error}; fix: groundplan up {self.checkout.env}") from error
        if answer is None:
            raise GroundplanError(f"the control plane has no {path}; fix: groundplan up {self.checkout.env}")
        return answer

    def lines(self, path: str) -> Iterator[str]:
        """Lines of the control plane's answer to ``GET /v1<path>``, as they come; raises as :meth:`get` does."""
        return self._control().lines(f"/v1{path}")

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Answer of the control plane to ``POST /v1<path>``; raises as :meth:`get` does."""
        answer = self._control().ask("POST", f"/v1{path}", body or {})
        if answer is None:
            raise GroundplanError(f"the control plane has no {path}; fix: groundplan up {self.checkout.env}")
        return answer

    def application(self, id: str) -> str:
        """URL of a serving application, ``<project>/<name>``: behind Serve, or of the process that it is."""
        runtime = self.data / "runtime.json"
        own = json.loads(runtime.read_text()).get("applications", {}) if runtime.exists() else {}
        return f"{own.get(id, self.address('serve'))}/{id}"

    def predict(self, id: str, entities: list[dict[str, Any]]) -> dict[str, Any]:
        """Answer of a serving application to a batch of entities."""
        url = f"{self.application(id)}/predict/feast/batch"
        try:
            # Loopback is never reached through a proxy.
            headers = {"X-Groundplan-Gateway": self._secret("serving-token")}
            answer = httpx.post(url, json={"entities": entities}, headers=headers, timeout=60.0, trust_env=False)
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise ServiceError(f"{url} does not answer ({why}); fix: groundplan up {self.checkout.env}") from error
        if answer.is_success:
            return dict(answer.json())
        raise GroundplanError(_refusal(answer))

    def _control(self) -> ControlPlane:
        self._secret("controlplane-token")
        token = self.data / "secrets" / "controlplane-token"
        return ControlPlane({"endpoint": self.address("controlplane"), "token_file": str(token)})

    def _secret(self, name: str) -> str:
        file, env = self.data / "secrets" / name, self.checkout.env
        if not file.exists():
            raise ServiceError(f"nothing is deployed in {env!r} ({file} is missing); fix: groundplan up {env}")
        return file.read_text().strip()


def open_platform(checkout: Checkout) -> Platform:
    """The platform that ``stacks/<env>.yaml`` declares."""
    return Platform(checkout, load_stack(checkout.root, checkout.env))


def _refusal(answer: httpx.Response) -> str:
    try:
        return explain(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}: {answer.text[:200].strip()}"
