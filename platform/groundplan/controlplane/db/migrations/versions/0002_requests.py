"""Operations keep what a person asked for; a digest has one committed pair, and may have void ones before it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the column; let only committed pairs be the one of their digest."""
    op.add_column("operations", sa.Column("request", JSONB, nullable=False, server_default="{}"))
    op.drop_constraint("pairs_once_a_digest", "pairs")
    op.create_index(
        "pairs_once_a_digest",
        "pairs",
        ["project", "model", "digest"],
        unique=True,
        postgresql_where=sa.text("state = 'committed'"),
    )
    # Looked for at every declaration and every start.
    op.create_index(
        "operations_running",
        "operations",
        ["project", "kind", "name"],
        postgresql_where=sa.text("status = 'running'"),
    )
