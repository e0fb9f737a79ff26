"""What all parts of the issuer share: its address, its tables, its keys, and the time."""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from groundplan.identity import db
from groundplan.identity.clients import Client, clients
from groundplan.identity.keys import Keys


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Issuer:
    """One issuer. ``url``: what it calls itself; ``seal``: a secret that its database does not hold."""

    url: str
    engine: sa.Engine
    seal: str
    now: Callable[[], datetime] = _now

    @cached_property
    def keys(self) -> Keys:
        """The keys that sign."""
        return Keys(self.engine, self.seal)

    @cached_property
    def clients(self) -> dict[str, Client]:
        """The programs that sign people in, by id."""
        return clients(self.url)

    def mark(self, *words: str) -> str:
        """Return a mark over words that nobody else can make."""
        text = "\0".join(words).encode()
        return hmac.new(self.seal.encode(), text, hashlib.sha256).hexdigest()

    def subject(self, connection: sa.Connection, name: str) -> Any:
        """Return the row of a user or service account, None when there is none of that name."""
        return connection.execute(sa.select(db.subjects).where(db.subjects.c.name == name)).one_or_none()
