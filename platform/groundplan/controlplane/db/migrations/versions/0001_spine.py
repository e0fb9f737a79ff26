"""The spine: resources, events, pairs, aliases and their moves, operations."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001"
down_revision = None

APPEND_ONLY = ("events", "alias_moves")


def upgrade() -> None:
    """Create the tables, and refuse every change to what is append-only."""
    _resources()
    _registry()
    _operations()
    op.execute(
        "CREATE FUNCTION append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
        )


def _now(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now())


def _text(name: str, nullable: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=nullable, primary_key=key)


def _resources() -> None:
    op.create_table(
        "resources",
        *(_text(name, key=True) for name in ("project", "kind", "name")),
        *(_text(name) for name in ("digest", "data_digest")),
        *(sa.Column(name, JSONB, nullable=False) for name in ("properties", "upstream", "outputs")),
        _text("status"),
        _text("message", nullable=True),
        sa.Column("generation", sa.Integer, nullable=False, server_default="1"),
        _now("created_at"),
        _now("updated_at"),
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _now("at"),
        *(_text(name) for name in ("actor", "action", "project", "kind", "name")),
        sa.Column("before", JSONB),
        sa.Column("after", JSONB),
        *(_text(name, nullable=True) for name in ("reason", "correlation_id")),
    )


def _registry() -> None:
    op.create_table(
        "pairs",
        *(_text(name, key=True) for name in ("project", "model")),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        *(_text(name) for name in ("digest", "run_id")),
        sa.Column("metrics", JSONB, nullable=False),
        _text("state"),
        _now("created_at"),
        sa.UniqueConstraint("project", "model", "digest", name="pairs_once_a_digest"),
    )
    op.create_table(
        "aliases",
        *(_text(name, key=True) for name in ("project", "model", "alias")),
        sa.Column("version", sa.Integer),
        sa.Column("generation", sa.Integer, nullable=False, server_default="0"),
        *(_text(name, nullable=True) for name in ("hold_reason", "hold_actor")),
    )
    op.create_table(
        "alias_moves",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        _now("at"),
        *(_text(name) for name in ("project", "model", "alias")),
        sa.Column("from_version", sa.Integer),
        sa.Column("to_version", sa.Integer),
        _text("actor"),
        _text("reason", nullable=True),
        sa.Column("evidence", JSONB),
    )


def _operations() -> None:
    op.create_table(
        "operations",
        _text("id", key=True),
        *(_text(name) for name in ("project", "kind", "name", "digest", "status")),
        sa.Column("error", JSONB),
        _text("actor"),
        *(_text(name, nullable=True) for name in ("reason", "correlation_id")),
        _now("created_at"),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
    )
    op.create_table(
        "operation_messages",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("operation", sa.Text, sa.ForeignKey("operations.id", ondelete="CASCADE"), nullable=False, index=True),
        _now("at"),
        _text("text"),
    )
