"""What one plan changes of another: the impact of an edit before anything runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from groundplan.plan.model import Node, Plan


@dataclass(frozen=True)
class Change:
    """One node that differs. ``properties`` differ by themselves; ``upstream`` are the nodes whose data changes it."""

    id: str
    action: Literal["create", "update", "delete"]
    properties: tuple[str, ...] = ()
    upstream: tuple[str, ...] = ()


def compare(old: Plan, new: Plan) -> tuple[Change, ...]:
    """Return every change from one plan to another: creates and updates in plan order, then deletes in reverse."""
    return tuple((*_made(old, new), *_removed(old, new)))


def _made(old: Plan, new: Plan) -> Iterator[Change]:
    for node in new.nodes:
        before = old.by_id.get(node.id)
        if before is None:
            yield Change(node.id, "create")
        elif before.digest != node.digest:
            yield Change(node.id, "update", _properties(before, node), _upstream(before, node))


def _removed(old: Plan, new: Plan) -> Iterator[Change]:
    for node in reversed(old.nodes):
        if node.id not in new.by_id:
            yield Change(node.id, "delete")


def _properties(old: Node, new: Node) -> tuple[str, ...]:
    keys = sorted({*old.properties, *new.properties})
    return tuple(key for key in keys if old.properties.get(key) != new.properties.get(key))


def _upstream(old: Node, new: Node) -> tuple[str, ...]:
    ids = sorted({*old.upstream, *new.upstream})
    return tuple(id for id in ids if old.upstream.get(id) != new.upstream.get(id))
