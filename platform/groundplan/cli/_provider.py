"""The stack's OpenID provider, asked as a client: discovery, tokens, who somebody is, revocation."""

import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import httpx

from groundplan.cli._gateway import chosen
from groundplan.errors import GroundplanError, Refused, ServiceError

if TYPE_CHECKING:
    from groundplan.cli._platform import Platform

ANSWER = 30.0


@dataclass(frozen=True)
class Provider:
    """An issuer by its address. ``verify``: what its certificate is held against; ``fix``: said when it is silent."""

    issuer: str
    verify: ssl.SSLContext | bool = True
    fix: str = "groundplan up"

    @cached_property
    def described(self) -> dict[str, Any]:
        """The issuer's description of itself. ServiceError when it does not answer, or says it is another."""
        address = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        answer = self._ask("GET", address)
        found = _json(answer)
        if not answer.is_success or found.get("issuer") != self.issuer:
            said = found.get("issuer", f"status {answer.status_code}")
            raise ServiceError(f"{address} is not the description of {self.issuer}; got {said}; fix: {self.fix}")
        return found

    def tokens(self, fields: dict[str, str], secret: tuple[str, str] | None = None) -> dict[str, Any]:
        """Return what the token endpoint gives. Refused when it gives nothing. ``secret``: client id and secret."""
        answer = self._ask("POST", self.described["token_endpoint"], data=fields, auth=secret)
        found = _json(answer)
        if answer.is_success and "access_token" in found:
            return found
        if answer.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ServiceError(f"{self.issuer} answers {answer.status_code}; fix: groundplan logs identity")
        why = found.get("error_description") or found.get("error") or f"status {answer.status_code}"
        raise Refused(f"{self.issuer}: {why}")

    def whoami(self, access: str) -> dict[str, Any]:
        """Return who bears an access token. Refused when it is worth nothing any more."""
        headers = {"Authorization": f"Bearer {access}"}
        answer = self._ask("GET", self.described["userinfo_endpoint"], headers=headers)
        if not answer.is_success:
            raise Refused(f"{self.issuer} does not know this token (status {answer.status_code})")
        return _json(answer)

    def revoke(self, token: str, client: str) -> None:
        """End the sign-in that a refresh token came of."""
        answer = self._ask("POST", self.described["revocation_endpoint"], data={"token": token, "client_id": client})
        if not answer.is_success:
            raise GroundplanError(f"{self.issuer} did not revoke the token: status {answer.status_code}")

    def _ask(self, method: str, address: str, **more: Any) -> httpx.Response:
        try:
            with httpx.Client(verify=self.verify, timeout=ANSWER, trust_env=not _near(address)) as client:
                return client.request(method, address, **more)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = str(error) or type(error).__name__
            raise ServiceError(f"{address} does not answer ({why}); fix: {self.fix}") from None


def open_provider(platform: "Platform") -> Provider:
    """Return the issuer that the stack declares, its own known by the stack's certificate."""
    named, fix = platform.stack.services.identity, f"groundplan up {platform.checkout.env}"
    if named != "local":
        return Provider(named, fix=f"look at services.identity in stacks/{platform.checkout.env}.yaml")
    gateway = chosen()
    if gateway is not None:
        return Provider(gateway.issuer, gateway.verify(), "look at --gateway and --gateway-ca")
    authority = platform.authority
    if authority and not authority.exists():
        raise ServiceError(f"{authority} is missing: the gateway has not run yet; fix: {fix}")
    trusted = ssl.create_default_context(cafile=str(authority) if authority else None)
    return Provider(f"{platform.address('gateway')}/identity", trusted, fix)


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _near(address: str) -> bool:
    """Whether it is on this machine, which is never reached through a proxy."""
    return httpx.URL(address).host in ("localhost", "127.0.0.1", "::1")
