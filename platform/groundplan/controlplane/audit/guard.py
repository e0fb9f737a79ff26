"""Which tables may not change without an event, and the triggers that refuse it: a commit without one fails."""

import sqlalchemy as sa

#: The registry's state: every change of a row needs an event in its transaction, and all of it can be rebuilt.
AUDITED = ("resources", "pairs", "aliases", "alias_moves", "approvals", "retirements")
#: Tables (patterns of names) whose changes need no event of their own, and why.
UNAUDITED = {
    "events": "is the trail itself",
    "operations": "is work under way: what was asked and how it ended are events of its resource",
    "operation_messages": "tells how far work is",
    "lineage_*": "is told from the events, and by what others send",
}

FUNCTION = """
CREATE OR REPLACE FUNCTION needs_event() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Who wrote an event holds the chain's lock until the end: the newest event is theirs.
  PERFORM 1 FROM (SELECT xmin AS writer FROM events ORDER BY seq DESC LIMIT 1) newest
    WHERE newest.writer = pg_current_xact_id()::xid;
  IF NOT FOUND THEN
    RAISE EXCEPTION '% was changed without an event', TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$
"""


def trigger(table: str) -> str:
    """Return the name of a table's trigger."""
    return f"{table}_needs_event"


def protect(connection: sa.Connection, *tables: str) -> None:
    """Have PostgreSQL refuse the commit of a transaction that changed one of these tables and wrote no event."""
    connection.execute(sa.text(FUNCTION))
    for table in tables:
        connection.execute(
            sa.text(
                f"CREATE CONSTRAINT TRIGGER {trigger(table)} AFTER INSERT OR UPDATE OR DELETE ON {table} "
                "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION needs_event()"
            )
        )
