"""The engine, the migrations at start, and advisory locks. Passwords come from PGPASSFILE, never from a URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import sqlalchemy as sa

from groundplan.controlplane.audit import chain
from groundplan.controlplane.lineage import outbox
from groundplan.migrations import upgrade
from groundplan_runtime.config import Runtime

#: One of the few numbers that all of PostgreSQL's users of this database share: the lock under which migrations run.
MIGRATING = 706172


def make_engine(runtime: Runtime, database: str = "controlplane") -> sa.Engine:
    """Return the engine of a database, as the role ``controlplane``.

    Its connections are checked before they are used; events that a transaction gathers are chained when it commits.
    """
    url = f"postgresql+psycopg://controlplane@{runtime.endpoint('database')}/{database}"
    engine = sa.create_engine(url, pool_pre_ping=True, pool_size=10, max_overflow=10)
    chain.install(engine, outbox.put)
    return engine


def migrate(engine: sa.Engine, revision: str = "head") -> None:
    """Bring the tables up to date; two processes at once are safe: the second waits, and finds nothing to do."""
    upgrade(engine, Path(__file__).parent / "migrations", MIGRATING, revision)


@contextmanager
def locked(engine: sa.Engine, name: str) -> Iterator[None]:
    """Hold the advisory lock of that name, across processes, until the block ends.

    On a connection of its own: who waits for a lock must not keep those who hold it from the pool.
    """
    with _lockers(engine.url).connect() as connection:
        connection.execute(sa.text("SELECT pg_advisory_lock(hashtextextended(:name, 0))"), {"name": name})
        yield  # the connection's end is the lock's


@cache
def _lockers(url: sa.URL) -> sa.Engine:
    # Without a transaction: an open one, for as long as a training takes, would hold up PostgreSQL's housekeeping.
    return sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
