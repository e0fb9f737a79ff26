"""A pair version keeps the features it was trained on; approvals of versions, append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column (null for older pairs: today's features of the model), and the table."""
    op.add_column("pairs", sa.Column("features", JSONB))
    op.create_table(
        "approvals",
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("project", "model")),
        sa.Column("version", sa.Integer, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in ("actor", "reason")),
        sa.Column("correlation_id", sa.Text),
    )
    op.create_index("approvals_of_a_version", "approvals", ["project", "model", "version"])
    op.execute(
        "CREATE TRIGGER approvals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON approvals "
        "FOR EACH STATEMENT EXECUTE FUNCTION append_only()"
    )
