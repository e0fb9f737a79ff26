"""Who trained a pair version and from which rows; why an alias moved: what gates and histories are judged by."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns; what is older says nothing."""
    op.add_column("pairs", sa.Column("trained_by", sa.Text))
    op.add_column("pairs", sa.Column("trained_on", JSONB))
    op.add_column("alias_moves", sa.Column("cause", sa.Text))
