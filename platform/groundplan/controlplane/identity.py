"""Who asks: what the gateway read in a token that it had checked."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any

from groundplan.spec import sees
from groundplan.spec.access import may

#: Characters of a user's id that are kept.
LONGEST = 200


@dataclass(frozen=True)
class Identity:
    """A user or a service account. ``roles``: ``<project>:<role>``, with ``*`` for all projects."""

    sub: str
    name: str = ""
    groups: tuple[str, ...] = ()
    roles: frozenset[str] = frozenset()

    def may(self, role: str, project: str) -> bool:
        """Tell whether they have the rights of ``role`` in a project (``*``: in all). KeyError for an unknown role."""
        return may(self.roles, role, project)

    def sees(self, project: str) -> bool:
        """Tell whether they may see a project's personal data: an attribute of grants, which no role gives."""
        return sees(self.roles, project)


def deployer(actor: str) -> Identity:
    """Return who has the control plane's own token: the deployer and the platform's own parts, who may all."""
    return Identity(actor, actor, roles=frozenset({"*:platform_admin", "*:personal_data"}))


def from_header(text: str) -> Identity:
    """Return who a token's payload (base64url of JSON, as Envoy forwards it) is of. ValueError when it names nobody."""
    try:
        payload = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"no payload of a token ({type(error).__name__})") from None
    if not isinstance(payload, dict):
        raise ValueError("no payload of a token")
    sub = payload.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST or not sub.isprintable():
        raise ValueError("it has no `sub`")
    name = str(payload.get("name") or sub)
    return Identity(sub, name, tuple(_words(payload.get("groups"))), frozenset(_words(payload.get("roles"))))


def _words(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
