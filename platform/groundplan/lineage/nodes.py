"""Naming one thing of the graph as people do: ``features/weather``, ``weather.temp``, ``flights/model/delay``."""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from groundplan.errors import GroundplanError

#: What people may write before a name → the kind's slug in ids.
WORDS = {
    "features": "feature_view",
    "views": "feature_view",
    "sources": "data_source",
    "data": "data_source",
    "entities": "entity",
    "models": "model",
    "aliases": "alias",
    "services": "feature_service",
    "applications": "serving_application",
    "serving": "serving_application",
    "endpoints": "serving_application",
}
SLUGS = ("entity", "data_source", "feature_view", "feature_service", "materialization", "model", "pair", "alias")
KINDS = (*SLUGS, "serving_application")
#: Where a name alone means more than one thing, it means the one that comes first: that which the others are made of.
_ORDER = {kind: place for place, kind in enumerate(KINDS)}
FORMS = (
    "features/<view>, sources/<data source>, entities/<entity>, models/<model>, <view>.<column>, "
    "<project>/<kind>/<name>, each with .<column> or without"
)


@dataclass(frozen=True)
class Point:
    """One node of the graph, or one of its columns."""

    node: str
    column: str | None = None

    def __str__(self) -> str:
        """As people read it."""
        return self.node if self.column is None else f"{self.node}.{self.column}"


def find_point(text: str, nodes: Mapping[str, Iterable[str]]) -> Point:
    """Return what ``text`` names among ``nodes`` (id → its columns).

    GroundplanError, with the allowed forms and the nearest name, for what is not there at all, or more than once.
    """
    given = text.strip()
    found = _named(given, nodes)
    if found:
        return _one(text, [Point(id) for id in found])
    stem, dot, column = given.rpartition(".")
    owners = _named(stem, nodes) if dot else []
    if not owners:
        raise GroundplanError(f"{text}: is nothing that is declared; {_hint(stem or given, nodes)}")
    having = [Point(id, column) for id in owners if column in set(nodes[id])]
    if having:
        return _one(text, having)
    columns = ", ".join(sorted({each for id in owners for each in nodes[id]}))
    raise GroundplanError(f"{text}: {owners[0]} has no column {column!r}; allowed: {columns or 'none'}")


def _named(text: str, nodes: Iterable[str]) -> list[str]:
    """Return the ids that a text without a column names."""
    parts = text.split("/")
    found = [id for id in nodes if _means(parts, id.split("/", 2))]
    first = min(map(_place, found), default=0)
    return sorted(id for id in found if _place(id) == first)


def _place(id: str) -> int:
    return _ORDER.get(id.split("/")[1], len(_ORDER)) if "/" in id else len(_ORDER)


def _means(given: list[str], id: list[str]) -> bool:
    if len(id) != 3:
        return given == id
    project, kind, name = id
    kinds = [kind, *(word for word, slug in WORDS.items() if slug == kind)]
    ways = [[name], [project, name], *([each, name] for each in kinds), *([project, each, name] for each in kinds)]
    return given in ways


def _one(text: str, found: list[Point]) -> Point:
    if len(found) > 1:
        raise GroundplanError(f"{text}: names more than one thing; allowed: {', '.join(map(str, found))}")
    return found[0]


def _hint(given: str, nodes: Iterable[str]) -> str:
    """Say what is near: first among what the kind that was written means, then among all."""
    *before, name = given.split("/")
    slugs = {WORDS.get(word, word) for word in before}
    ids = sorted((id for id in nodes if id.count("/") == 2), key=_place)
    meant = [id for id in ids if id.split("/")[1] in slugs] or ids
    near = next((found for some in (meant, ids) if (found := _nearest(name, some))), None)
    told = f"did you mean {near}?" if near else f"there is: {', '.join(meant[:12]) or 'nothing'}"
    return f"{told}; allowed: {FORMS}"


def _nearest(name: str, ids: Iterable[str]) -> str | None:
    named = {id.split("/")[2]: id for id in reversed(list(ids))}
    found = difflib.get_close_matches(name, named, n=1, cutoff=0.6)
    return named[found[0]] if found else None
