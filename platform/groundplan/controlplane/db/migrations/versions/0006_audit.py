"""Events in a hash chain: those that there are are chained as they stand, and tables need an event for every change."""

import sqlalchemy as sa
from alembic import op

from groundplan.controlplane.audit.adopt import chain_existing

revision = "0006"
down_revision = "0005"

AUDITED = ("resources", "pairs", "aliases", "alias_moves", "approvals")


def upgrade() -> None:
    """Add the hashes, number events without gaps from now on, and refuse changes that leave no event."""
    op.add_column("events", sa.Column("previous", sa.Text))
    op.add_column("events", sa.Column("hash", sa.Text))
    op.execute("ALTER TABLE events ALTER COLUMN seq DROP IDENTITY")
    op.execute("ALTER TABLE events ALTER COLUMN at DROP DEFAULT")
    chain_existing(op.get_bind(), AUDITED)
    op.alter_column("events", "previous", nullable=False)
    op.alter_column("events", "hash", nullable=False)
    op.create_index("events_of_a_project", "events", ["project", "kind", "name", "seq"])
    op.create_index("events_of_an_actor", "events", ["actor", "seq"])
    op.create_index("events_in_time", "events", ["at"])
