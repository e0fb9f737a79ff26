"""The issuer's tables in a database of its own. Passwords are hashed, codes and tokens kept as digests only."""

import hashlib
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from groundplan.migrations import upgrade
from groundplan_runtime.config import Runtime

ROLE = "identity"
#: The lock under which migrations run; another number than that of any other user of the server.
MIGRATING = 706173

metadata = sa.MetaData()
_AT = sa.DateTime(timezone=True)


def _family() -> sa.Column[str]:
    return sa.Column("family", sa.Text, sa.ForeignKey("families.id", ondelete="CASCADE"), nullable=False, index=True)


def _subject() -> sa.Column[str]:
    return sa.Column("subject", sa.Text, sa.ForeignKey("subjects.name", ondelete="CASCADE"), nullable=False, index=True)


subjects = sa.Table(
    "subjects", metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("display", sa.Text, nullable=False),
    sa.Column("email", sa.Text),
    sa.Column("groups", JSONB, nullable=False),
    sa.Column("roles", JSONB, nullable=False),
    sa.Column("secret_hash", sa.Text, nullable=False),
)  # fmt: skip
#: ``sealed``: the private key, encrypted with a secret that is not in the database.
signing_keys = sa.Table(
    "signing_keys", metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("public", JSONB, nullable=False),
    sa.Column("sealed", sa.Text, nullable=False),
    sa.Column("signs_from", _AT, nullable=False),
)  # fmt: skip
#: A browser in which somebody is signed in.
sessions = sa.Table(
    "sessions", metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _subject(),
    sa.Column("signed_in", _AT, nullable=False),
    sa.Column("expires", _AT, nullable=False),
)  # fmt: skip
#: One sign-in of one client, and with it every token that came of it.
families = sa.Table(
    "families", metadata,
    sa.Column("id", sa.Text, primary_key=True),
    _subject(),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("scope", sa.Text, nullable=False),
    sa.Column("session", sa.Text),
    sa.Column("signed_in", _AT, nullable=False),
    sa.Column("expires", _AT, nullable=False),
    sa.Column("revoked", _AT),
)  # fmt: skip
codes = sa.Table(
    "codes", metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _family(),
    sa.Column("redirect_uri", sa.Text, nullable=False),
    sa.Column("challenge", sa.Text, nullable=False),
    sa.Column("nonce", sa.Text),
    sa.Column("expires", _AT, nullable=False),
    sa.Column("used", _AT),
)  # fmt: skip
refresh_tokens = sa.Table(
    "refresh_tokens", metadata,
    sa.Column("digest", sa.Text, primary_key=True),
    _family(),
    sa.Column("expires", _AT, nullable=False),
    sa.Column("used", _AT),
    sa.Column("successor", sa.Text),
)  # fmt: skip
failures = sa.Table(
    "failures", metadata,
    sa.Column("subject", sa.Text, nullable=False, index=True),
    sa.Column("at", _AT, nullable=False),
)  # fmt: skip


def make_engine(runtime: Runtime) -> sa.Engine:
    """Return the engine of the issuer's database; the password comes from PGPASSFILE."""
    url = f"postgresql+psycopg://{ROLE}@{runtime.endpoint('database')}/{ROLE}"
    return sa.create_engine(url, pool_pre_ping=True, pool_size=5, max_overflow=5)


def migrate(engine: sa.Engine) -> None:
    """Bring the tables up to date; two processes at once are safe."""
    upgrade(engine, Path(__file__).parent / "migrations", MIGRATING)


def digest(token: str) -> str:
    """Return what is kept of a code or token. They are 256 random bits: a plain hash is enough."""
    return hashlib.sha256(token.encode()).hexdigest()
