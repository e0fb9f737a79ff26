"""The running platform of an environment: where it answers, and how to ask it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from groundplan.cli._checkout import Checkout
from groundplan.cli._gateway import Gateway, chosen
from groundplan.cli._provider import open_provider
from groundplan.cli._through import ThroughGateway, client, standing
from groundplan.cli._tokens import access_token
from groundplan.compose import load_stack
from groundplan.errors import GroundplanError, Refused, ServiceError
from groundplan.provider.handler import Unreachable
from groundplan.provider.rest import LOOK, ControlPlane, explain
from groundplan.spec import StackSpec
from groundplan.targets.doors import outside, own_certificate

HOST = "http://127.0.0.1"


@dataclass(frozen=True)
class Platform:
    """A stack as declared, and its control plane and serving at the declared ports."""

    checkout: Checkout
    stack: StackSpec

    @property
    def data(self) -> Path:
        """The stack's data folder; in a cluster, what this machine keeps to reach it."""
        if not self.local:
            return self.checkout.own / self.stack.name
        return self.checkout.root / self.stack.local.data_dir

    @property
    def local(self) -> bool:
        """Whether the platform is processes on this machine."""
        return self.stack.target == "local"

    @property
    def authority(self) -> Path | None:
        """The certificate by which the gateway is known; None where a public authority signed it."""
        if self.local:
            return self.data / "gateway" / "tls" / "ca.pem"
        return self.data / "gateway-ca.pem" if own_certificate(self.stack) else None

    @property
    def gateway(self) -> Gateway | None:
        """The gateway that people's requests go through: the one that was chosen, or that of a stack in a cluster.

        None on the machine that runs the platform, where an application is asked at its own port.
        """
        if chosen() is not None or self.local:
            return chosen()
        return Gateway(self.address("gateway"), self.authority)

    @property
    def namespace(self) -> str:
        """The platform's own namespace, in a cluster."""
        return f"{self.stack.cluster.namespace_prefix}{self.stack.cluster.namespace}"

    def address(self, service: str) -> str:
        """URL of a service that speaks HTTP; on this machine the gateway's certificate names ``localhost``.

        GroundplanError for one that is not reached from outside its cluster.
        """
        if self.local:
            scheme = "https://localhost" if service == "gateway" else HOST
            return f"{scheme}:{self.stack.local_port(service)}"
        doors = {str(door): url for door, url in outside(self.stack).items()}
        if service not in doors:
            raise GroundplanError(f"{service} has no door to the outside; there is: {', '.join(doors)}")
        return doors[service]

    def addresses(self, *services: str) -> dict[str, str]:
        """URLs of those of some services that are reached from here."""
        known = services if self.local else [each for each in services if each in outside(self.stack)]
        return {each: self.address(each) for each in known}

    def get(self, path: str, patience: float = LOOK) -> dict[str, Any]:
        """Answer of the control plane to ``GET /v1<path>``, within ``patience`` seconds.

        Raises :class:`ServiceError` when it is down, :class:`GroundplanError` when it has no such thing.
        """
        try:
            answer = self._control().look(f"/v1{path}", patience)
        except Unreachable as error:
            raise ServiceError(f"{error}; fix: {self._fix()}") from error
        if answer is None:
            raise GroundplanError(f"the control plane has no {path}; fix: {self._fix()}")
        return answer

    def lines(self, path: str) -> Iterator[str]:
        """Lines of the control plane's answer to ``GET /v1<path>``, as they come; raises as :meth:`get` does."""
        return self._control().lines(f"/v1{path}")

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Answer of the control plane to ``POST /v1<path>``; raises as :meth:`get` does."""
        answer = self._control().ask("POST", f"/v1{path}", body or {})
        if answer is None:
            raise GroundplanError(f"the control plane has no {path}; fix: {self._fix()}")
        return answer

    def has(self, path: str) -> bool:
        """Whether the control plane has something; raises as :meth:`get` does."""
        return self._control().has(f"/v1{path}")

    def upload(self, path: str, content: bytes) -> None:
        """Send bytes to the control plane; raises as :meth:`get` does."""
        self._control().upload(f"/v1{path}", content, "application/octet-stream")

    def download(self, path: str) -> bytes:
        """Bytes of the control plane; raises as :meth:`get` does."""
        return self._control().download(f"/v1{path}")

    def application(self, id: str) -> str:
        """URL of a serving application, ``<project>/<name>``: at the gateway, Serve, or the process that it is."""
        if (gateway := self.gateway) is not None:
            return f"{gateway.url}/serve/{id}"
        runtime = self.data / "runtime.json"
        own = json.loads(runtime.read_text()).get("applications", {}) if runtime.exists() else {}
        return f"{own.get(id, self.address('serve'))}/{id}"

    def predict(self, id: str, entities: list[dict[str, Any]]) -> dict[str, Any]:
        """Answer of a serving application to a batch of entities."""
        url = f"{self.application(id)}/predict/feast/batch"
        try:
            answer = self._predicted(url, {"entities": entities})
        except httpx.TransportError as error:
            why = str(error) or type(error).__name__
            raise ServiceError(f"{url} does not answer ({why}); fix: {self._fix()}") from error
        if answer.is_success:
            return dict(answer.json())
        raise GroundplanError(_refusal(answer))

    def signed_in(self) -> bool:
        """Whether somebody is, whose requests the gateway lets through; ServiceError when the issuer is down."""
        try:
            return self.gateway is None or bool(self._token())
        except Refused:
            return False

    def services(self) -> list[dict[str, Any]] | None:
        """Services as the control plane tells of them; None on the machine that runs them, which knows more."""
        if chosen() is None and self.local:
            return None
        found = self._control().look("/services")
        return standing(found) if found else []

    def _predicted(self, url: str, body: dict[str, Any]) -> httpx.Response:
        gateway = self.gateway
        if gateway is None:
            # Loopback is never reached through a proxy.
            headers = {"X-Groundplan-Gateway": self._secret("serving-token")}
            return httpx.post(url, json=body, headers=headers, timeout=60.0, trust_env=False)
        with client(gateway) as http:
            return http.post(url, json=body, headers={"Authorization": f"Bearer {self._token()}"})

    def _token(self) -> str:
        return access_token(self, open_provider(self))

    def _fix(self) -> str:
        return "look at --gateway" if chosen() else f"groundplan up {self.checkout.env}"

    def _control(self) -> ControlPlane:
        gateway = chosen()
        if gateway is not None:
            return ThroughGateway(gateway, self._token)
        self._secret("controlplane-token")
        token = self.data / "secrets" / "controlplane-token"
        return ControlPlane({"endpoint": self.address("controlplane"), "token_file": str(token)})

    def _secret(self, name: str) -> str:
        file, env = self.data / "secrets" / name, self.checkout.env
        if not file.exists():
            fix = f"groundplan up {env}, or --gateway URL where it runs elsewhere"
            raise ServiceError(f"nothing is deployed in {env!r} ({file} is missing); fix: {fix}")
        return file.read_text().strip()


def open_platform(checkout: Checkout) -> Platform:
    """The platform that ``stacks/<env>.yaml`` declares."""
    return Platform(checkout, load_stack(checkout.root, checkout.env))


def _refusal(answer: httpx.Response) -> str:
    try:
        return explain(answer.json()["error"])
    except (ValueError, KeyError, TypeError):
        return f"{answer.request.url} answered {answer.status_code}: {answer.text[:200].strip()}"
