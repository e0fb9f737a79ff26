"""Retirements of pair versions, append-only: who retired one, or took that back, and why."""

import sqlalchemy as sa
from alembic import op

from groundplan.controlplane.audit import guard

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "retirements",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("project", "model")),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("retired", sa.Boolean, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("actor", "reason")),
        sa.Column("correlation_id", sa.Text),
    )
    op.create_index("retirements_of_a_version", "retirements", ["project", "model", "version"])
    op.execute(
        "CREATE TRIGGER retirements_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON retirements "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
    guard.protect(op.get_bind(), "retirements")
