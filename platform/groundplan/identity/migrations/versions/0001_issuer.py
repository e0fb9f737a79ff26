"""Everything: subjects, keys, sessions, families of tokens, codes, failed sign-ins."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "subjects",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("display", sa.Text, nullable=False),
        sa.Column("email", sa.Text),
        sa.Column("groups", JSONB, nullable=False),
        sa.Column("roles", JSONB, nullable=False),
        sa.Column("secret_hash", sa.Text, nullable=False),
    )
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text, primary_key=True),
        sa.Column("public", JSONB, nullable=False),
        sa.Column("sealed", sa.Text, nullable=False),
        sa.Column("signs_from", AT, nullable=False),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text, primary_key=True),
        _subject(),
        sa.Column("signed_in", AT, nullable=False),
        sa.Column("expires", AT, nullable=False),
    )
    op.create_table(
        "families",
        sa.Column("id", sa.Text, primary_key=True),
        _subject(),
        sa.Column("client_id", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("session", sa.Text),
        sa.Column("signed_in", AT, nullable=False),
        sa.Column("expires", AT, nullable=False),
        sa.Column("revoked", AT),
    )
    _tokens()


def _tokens() -> None:
    op.create_table(
        "codes",
        sa.Column("digest", sa.Text, primary_key=True),
        _family(),
        sa.Column("redirect_uri", sa.Text, nullable=False),
        sa.Column("challenge", sa.Text, nullable=False),
        sa.Column("nonce", sa.Text),
        sa.Column("expires", AT, nullable=False),
        sa.Column("used", AT),
    )
    op.create_table(
        "refresh_tokens",
        sa.Column("digest", sa.Text, primary_key=True),
        _family(),
        sa.Column("expires", AT, nullable=False),
        sa.Column("used", AT),
        sa.Column("successor", sa.Text),
    )
    op.create_table(
        "failures",
        sa.Column("subject", sa.Text, nullable=False, index=True),
        sa.Column("at", AT, nullable=False),
    )


def _subject() -> sa.Column[str]:
    return sa.Column("subject", sa.Text, sa.ForeignKey("subjects.name", ondelete="CASCADE"), nullable=False, index=True)


def _family() -> sa.Column[str]:
    return sa.Column("family", sa.Text, sa.ForeignKey("families.id", ondelete="CASCADE"), nullable=False, index=True)
