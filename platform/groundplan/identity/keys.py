"""The keys that sign tokens: made, rotated by age, and published from before their first to after their last token."""

import hashlib
import threading
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from joserfc import jwe
from joserfc.jwk import KeySet, OctKey, RSAKey

from groundplan.identity import db

ALGORITHM = "RS256"
BITS = 2048
#: How long a key signs; how long before it does so it is published, so that everyone who checks tokens knows it.
ROTATE, AHEAD = timedelta(days=30), timedelta(hours=1)
#: How long a key is published after its last token was signed: the longest life of a token, and clocks that differ.
AFTER = timedelta(hours=2)
#: The lock under which a key is made.
MAKING = 706174


class Keys:
    """The issuer's keys, in its database; private halves are encrypted with ``seal``, which is not in it."""

    def __init__(self, engine: sa.Engine, seal: str) -> None:
        self._engine = engine
        self._seal = OctKey.import_key(hashlib.sha256(seal.encode()).digest())
        self._opened: dict[str, RSAKey] = {}
        self._lock = threading.Lock()

    def signing(self, now: datetime) -> RSAKey:
        """Return the private key that signs now."""
        rows = self._rows(now)
        row = max((row for row in rows if row.signs_from <= now), key=lambda row: row.signs_from)
        with self._lock:
            if row.kid not in self._opened:
                opened = jwe.decrypt_compact(row.sealed, self._seal).plaintext
                self._opened[row.kid] = RSAKey.import_key(opened or b"", {"kid": row.kid})
            return self._opened[row.kid]

    def public(self, now: datetime) -> list[dict[str, Any]]:
        """Return every key by which a live token may be signed, and the next one, as JWKs."""
        return [dict(row.public) for row in self._rows(now)]

    def verifying(self, now: datetime) -> KeySet:
        """Return the same as a set that checks signatures."""
        return KeySet([RSAKey.import_key(key) for key in self.public(now)])

    def _rows(self, now: datetime) -> list[Any]:
        with self._engine.connect() as connection:
            rows = _select(connection)
        if not _due(rows, now):
            return rows
        with self._engine.begin() as connection:
            connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": MAKING})
            rows = _select(connection)
            if _due(rows, now):  # nobody else made one while we waited
                self._make(connection, now + AHEAD if rows else now)
            _drop(connection, rows, now)
            return _select(connection)

    def _make(self, connection: sa.Connection, signs_from: datetime) -> None:
        key = RSAKey.generate_key(BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
        public = key.as_dict(private=False)
        sealed = jwe.encrypt_compact({"alg": "dir", "enc": "A256GCM"}, key.as_pem(private=True), self._seal)
        values = {"kid": public["kid"], "public": public, "sealed": sealed, "signs_from": signs_from}
        connection.execute(sa.insert(db.signing_keys).values(values))


def _select(connection: sa.Connection) -> list[Any]:
    return list(connection.execute(sa.select(db.signing_keys).order_by(db.signing_keys.c.signs_from)))


def _due(rows: list[Any], now: datetime) -> bool:
    """Whether a key must be made: there is none, or the newest has signed for long enough."""
    return not rows or rows[-1].signs_from + ROTATE - AHEAD <= now


def _drop(connection: sa.Connection, rows: list[Any], now: datetime) -> None:
    """Remove keys whose last token is dead: their successor has signed for longer than any token lives."""
    for row, successor in pairwise(rows):
        if successor.signs_from + AFTER < now:
            connection.execute(sa.delete(db.signing_keys).where(db.signing_keys.c.kid == row.kid))
