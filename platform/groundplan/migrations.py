"""Brings the tables of one of our databases up to date, by Alembic."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config


def upgrade(engine: sa.Engine, scripts: Path, lock: int, revision: str = "head") -> None:
    """Run the migrations of a folder under the advisory lock of that number.

    Two processes at once are safe: the second waits, and finds nothing to do.
    """
    config = Config()
    config.set_main_option("script_location", str(scripts))
    config.set_main_option("path_separator", "os")
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock})
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
