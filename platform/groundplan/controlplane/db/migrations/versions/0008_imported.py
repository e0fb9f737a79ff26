"""Where a pair came from that another environment trained: its stack, number, run, content and evidence there."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; a pair that was trained here has none."""
    op.add_column("pairs", sa.Column("source", JSONB))
