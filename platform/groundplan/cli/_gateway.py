"""The gateway of a stack that runs elsewhere, for people without its data folder: its address, and whom to trust."""

import re
import ssl
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from groundplan.errors import GroundplanError

VARIABLE, AUTHORITY_VARIABLE = "GROUNDPLAN_GATEWAY", "GROUNDPLAN_GATEWAY_CA"
_ADDRESS = re.compile(r"https://[A-Za-z0-9.\-]+(:[0-9]{1,5})?|https://\[[0-9a-f:]+\](:[0-9]{1,5})?")


@dataclass(frozen=True)
class Gateway:
    """Where it answers (``https://host:port``), and the file of the authority that its certificate is held against."""

    url: str
    authority: Path | None = None

    @property
    def issuer(self) -> str:
        """What the stack's own issuer calls itself behind it."""
        return f"{self.url}/identity"

    def verify(self) -> ssl.SSLContext:
        """Return what its certificate is held against. GroundplanError for a file that is none."""
        if self.authority is None:
            # An HTTP client is heavy: a command's help loads none.
            from groundplan.provider.rest import authorities  # noqa: PLC0415

            return authorities()
        try:
            return ssl.create_default_context(cafile=str(self.authority.expanduser()))
        except (OSError, ssl.SSLError) as error:
            why = getattr(error, "strerror", None) or "it holds no certificate"
            fix = "the stack's output gateway_ca names it"
            raise GroundplanError(f"--gateway-ca {self.authority}: cannot be read ({why}); fix: {fix}") from None


_CHOSEN: ContextVar[Gateway | None] = ContextVar("gateway", default=None)


def choose(url: str | None, authority: str | None) -> None:
    """Let this command ask the platform at a gateway; without an address, the one of the checkout on this machine."""
    if url and not _ADDRESS.fullmatch(url.rstrip("/")):
        raise GroundplanError(f"--gateway: is no address; got {url!r}; allowed: as in https://localhost:15408")
    if authority and not url:
        raise GroundplanError(f"--gateway-ca says whom to trust, and no gateway is named; fix: --gateway or {VARIABLE}")
    _CHOSEN.set(Gateway(url.rstrip("/"), Path(authority) if authority else None) if url else None)


def chosen() -> Gateway | None:
    """Return the gateway that this command was told to ask, None for the platform on this machine."""
    return _CHOSEN.get()
