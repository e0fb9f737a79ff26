"""Whether the trail is whole: every event over the one before it, and the checkpoints that were kept elsewhere."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.audit import chain
from groundplan.controlplane.audit.checkpoints import Checkpoint
from groundplan.controlplane.audit.trail import every
from groundplan.controlplane.db.tables import events


@dataclass(frozen=True)
class Fault:
    """The first event that is not as it was written, and what became of it.

    ``fault``: changed, missing, reordered, truncated (the newest are gone), rewritten (a chain that is whole, but
    another one than the checkpoint was taken of).
    """

    seq: int
    fault: str
    what: str


@dataclass(frozen=True)
class Report:
    """What a look at the whole trail found; ``fault`` is None when it is whole."""

    events: int
    seq: int
    hash: str
    checkpoints: int
    checked_to: int
    fault: Fault | None

    def document(self) -> dict[str, Any]:
        """Return it as the API shows it."""
        return asdict(self)


def verify(connection: sa.Connection, checkpoints: Sequence[Checkpoint]) -> Report:
    """Look at every event and every checkpoint. The connection sees one state: REPEATABLE READ, or nobody writes."""
    marks = {mark.seq: mark for mark in checkpoints}
    walk = _Walk(marks)
    fault = walk.over(every(connection)) or _truncated(walk, checkpoints)
    if fault is not None and fault.fault == "missing":
        fault = _named(connection, walk, fault)
    checked_to = max((mark.seq for mark in checkpoints if mark.seq <= walk.seq), default=0)
    return Report(walk.count, walk.seq, walk.hash, len(checkpoints), checked_to, fault)


class _Walk:
    """From event to event, up to the first that does not fit."""

    def __init__(self, marks: Mapping[int, Checkpoint]) -> None:
        self.count, self.seq, self.hash = 0, 0, chain.START
        #: The hash that the event which does not fit says it follows.
        self.follows = ""
        self._marks = marks

    def over(self, found: Iterable[Mapping[str, Any]]) -> Fault | None:
        for event in found:
            fault = self._fault(event)
            if fault is not None:
                return fault
            self.count, self.seq, self.hash = self.count + 1, event["seq"], event["hash"]
        return None

    def _fault(self, event: Mapping[str, Any]) -> Fault | None:
        seq, mark = event["seq"], self._marks.get(event["seq"])
        if event["previous"] != self.hash:
            self.follows = event["previous"]
            return Fault(seq, "missing", f"event {seq} does not follow event {self.seq}: what was between them is gone")
        if chain.hash_of(self.hash, event) != event["hash"]:
            return Fault(seq, "changed", f"event {seq} does not say what it said when it was written")
        if mark is not None and mark.hash != event["hash"]:
            what = f"the chain up to event {seq} was written anew: its checkpoint of {mark.at} has another hash"
            return Fault(seq, "rewritten", what)
        return None


def _truncated(walk: _Walk, checkpoints: Sequence[Checkpoint]) -> Fault | None:
    last = max(checkpoints, key=lambda mark: mark.seq, default=None)
    if last is None or last.seq <= walk.seq:
        return None
    what = f"events after {walk.seq} are gone: a checkpoint of {last.at} knows event {last.seq}"
    return Fault(walk.seq + 1, "truncated", what)


def _named(connection: sa.Connection, walk: _Walk, fault: Fault) -> Fault:
    """What an event follows is elsewhere in the trail: it was not taken away, their order was changed."""
    query = sa.select(events.c.seq).where(events.c.hash == walk.follows).limit(1)
    elsewhere = connection.execute(query).scalar_one_or_none()
    if elsewhere is not None:
        what = f"event {fault.seq} was written after the one that is event {elsewhere} now: their order was changed"
        return Fault(fault.seq, "reordered", what)
    return Fault(walk.seq + 1, "missing", fault.what)
