"""The programs that sign people in. Both are public: what proves them is PKCE and where the answer is sent."""

import re
from dataclasses import dataclass

#: A loopback redirect of a native program: any port (RFC 8252, section 7.3), everything else exactly so.
_LOOPBACK = re.compile(r"http://(?:127\.0\.0\.1|\[::1\]):([1-9][0-9]{0,4})/callback")
_HIGHEST_PORT = 65535
CLI, WEB = "groundplan-cli", "groundplan-web"


@dataclass(frozen=True)
class Client:
    """A public client. ``redirects``: exact addresses; ``loopback``: it listens on this machine, at any port.

    ``silent``: a person who is signed in gets on without being asked. Never for loopback: any program on the machine
    can listen there and call itself by the client's name.
    """

    id: str
    title: str
    redirects: tuple[str, ...] = ()
    loopback: bool = False
    silent: bool = False

    def redirects_to(self, uri: str) -> bool:
        """Tell whether answers may be sent there."""
        if uri in self.redirects:
            return True
        found = _LOOPBACK.fullmatch(uri) if self.loopback else None
        return found is not None and int(found[1]) <= _HIGHEST_PORT


def clients(issuer: str) -> dict[str, Client]:
    """Return the clients of an issuer, by id; the catalogue's page lies beside the issuer, at the same origin."""
    page = f"{issuer.rsplit('/', 1)[0]}/catalogue/"
    return {
        CLI: Client(CLI, "the groundplan command line", loopback=True),
        WEB: Client(WEB, "the catalogue", redirects=(page,), silent=True),
    }
