"""Routes of the audit trail: look, prove, export, and hold the registry against what its events say."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import sqlalchemy as sa
from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime

from groundplan.controlplane.api.common import PlatformDep, authorized
from groundplan.controlplane.api.sight import Sight, SightDep
from groundplan.controlplane.audit import checkpoints, replay, trail
from groundplan.controlplane.audit.guard import AUDITED
from groundplan.controlplane.audit.trail import Filter
from groundplan.controlplane.audit.verify import verify
from groundplan.controlplane.context import Platform

router = APIRouter(prefix="/v1/audit", dependencies=[Depends(authorized)])

#: Lines that differ which an answer names; the rest is counted.
SHOWN = 20
#: PostgreSQL's text holds no NUL: asked for one, a stream would break off.
Word = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]
Instant = Annotated[AwareDatetime | None, Query(description="an instant with its zone, as in 2026-11-17T14:05:00Z")]


def filter_of(
    actor: Word = None,
    project: Word = None,
    kind: Word = None,
    name: Word = None,
    action: Word = None,
    correlation_id: Word = None,
    since: Instant = None,
    until: Instant = None,
) -> Filter:
    """Return the filter that a request names; ``since`` is included, ``until`` is not."""
    return Filter(actor, project, kind, name, action, correlation_id, since, until)


FilterDep = Annotated[Filter, Depends(filter_of)]


@router.get("/events")
def list_events(
    platform: PlatformDep,
    wanted: FilterDep,
    sight: SightDep,
    after: int = Query(default=0, ge=0, le=2**62, description="the cursor: `next` of the page before"),
    limit: int = Query(default=100, ge=1, le=1000),
    newest: bool = Query(default=False, description="the newest instead of the next ones"),
) -> dict[str, Any]:
    """Return events, oldest first: who did what to what, before and after, why; ``next`` is the next page's cursor."""
    with platform.engine.connect() as connection:
        found, marks = trail.page(connection, wanted, after, limit, newest), sight.marks(connection)
    more = len(found) == limit and not newest
    return {
        "events": [sight.event(trail.shown(event), marks) for event in found],
        "next": found[-1]["seq"] if more else None,
    }


@router.get("/export")
def export(platform: PlatformDep, wanted: FilterDep, sight: SightDep) -> StreamingResponse:
    """Stream events, one JSON line each, oldest first, with the hashes by which anybody can prove them.

    To who may not see personal data, events of projects that hold some say what is ``withheld``: their hashes are those
    of the whole events.
    """
    return StreamingResponse(_lines(platform, wanted, sight), media_type="application/x-ndjson")


def _lines(platform: Platform, wanted: Filter, sight: Sight) -> Iterator[str]:
    with platform.engine.connect() as connection:
        marks = sight.marks(connection)
        for event in trail.every(connection, wanted):
            yield json.dumps(sight.event(trail.shown(event), marks), separators=(",", ":"), sort_keys=True) + "\n"


@router.get("/verify")
def prove(platform: PlatformDep) -> dict[str, Any]:
    """Look at every event and every checkpoint; ``fault`` names the first event that is not as it was written."""
    # Before the events: a checkpoint that is written meanwhile is of an event that this look would not see.
    marks = checkpoints.read(platform)
    with _one_state(platform) as connection:
        return verify(connection, marks).document()


@router.get("/rebuild")
def rebuild(platform: PlatformDep) -> dict[str, Any]:
    """Rebuild the registry in memory from its events alone; ``differences`` names rows that are not what they say."""
    with _one_state(platform) as connection:
        state = replay.rebuilt(connection)
        found = list(replay.differences(connection, state))
        rows = {table: len(state.rows(table)) for table in AUDITED}
    return {"rows": rows, "differing": len(found), "differences": found[:SHOWN]}


def _one_state(platform: Platform) -> sa.Connection:
    return platform.engine.connect().execution_options(isolation_level="REPEATABLE READ")
