"""The events as people read them: filtered, page by page, or as one stream."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.db.tables import events

#: Rows that are fetched at once by what reads all of them.
BATCH = 500


@dataclass(frozen=True)
class Filter:
    """Which events: every word that is given has to fit; ``since`` is included, ``until`` is not."""

    actor: str | None = None
    project: str | None = None
    kind: str | None = None
    name: str | None = None
    action: str | None = None
    correlation_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def where(self) -> list[sa.ColumnElement[bool]]:
        """Return the conditions."""
        words = ("actor", "project", "kind", "name", "action", "correlation_id")
        given = [events.c[word] == getattr(self, word) for word in words if getattr(self, word) is not None]
        given += [events.c.at >= self.since] if self.since else []
        return given + ([events.c.at < self.until] if self.until else [])


def page(
    connection: sa.Connection, wanted: Filter, after: int, limit: int, newest: bool = False
) -> list[dict[str, Any]]:
    """Return the first events after the number ``after``, or the ``newest`` of them, oldest first."""
    query = sa.select(events).where(*wanted.where(), events.c.seq > after)
    query = query.order_by(events.c.seq.desc() if newest else events.c.seq).limit(limit)
    found = [dict(row) for row in connection.execute(query).mappings()]
    return found[::-1] if newest else found


def every(connection: sa.Connection, wanted: Filter | None = None) -> Iterator[Mapping[str, Any]]:
    """Yield the events, oldest first, never all of them in memory."""
    query = sa.select(events).where(*(wanted or Filter()).where()).order_by(events.c.seq)
    streamed = connection.execution_options(stream_results=True, yield_per=BATCH)
    yield from streamed.execute(query).mappings()


def shown(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event as JSON: its time as text."""
    return {**event, "at": event["at"].isoformat()}
