"""The lineage of a model as it is declared: what feeds it, and what it feeds. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from groundplan.controlplane.rules.dependents import Declared

#: The kinds that data flows through, from raw data to what answers: a column of the drawing each.
COLUMNS = ("data_source", "feature_view", "feature_service", "model", "alias", "serving_application")


def neighbours(model: Declared, others: Iterable[Declared]) -> dict[str, Any]:
    """Return ``{"nodes": [{id, kind, name}], "edges": [[from id, to id]]}`` of all that feeds a model, and it feeds."""
    known = {other.id: other for other in others if other.kind in COLUMNS}
    feeds = {id: [source for source in _sources(other) if source in known] for id, other in known.items()}
    into: dict[str, list[str]] = {}
    for id, sources in feeds.items():
        for source in sources:
            into.setdefault(source, []).append(id)
    kept = _reached(model.id, feeds) | _reached(model.id, into)
    nodes = sorted((known[id] for id in kept), key=lambda node: (COLUMNS.index(node.kind), node.name))
    return {
        "nodes": [{"id": node.id, "kind": node.kind, "name": node.name} for node in nodes],
        "edges": [[source, node.id] for node in nodes for source in sorted(feeds[node.id]) if source in kept],
    }


def _sources(node: Declared) -> list[str]:
    """What flows into a node: by its digest; into an alias from its model, into an application from its aliases."""
    given = node.properties
    if node.kind == "alias":
        return [f"{node.project}/model/{given['model']}"]
    if node.kind == "serving_application":
        loaded = (*given.get("traffic", {}), *given.get("shadow", ()))
        return [f"{node.project}/alias/{given['model']}@{alias}" for alias in loaded]
    return list(node.upstream)


def _reached(start: str, edges: Mapping[str, list[str]]) -> set[str]:
    seen, waiting = set(), [start]
    while waiting:
        id = waiting.pop()
        if id not in seen:
            seen.add(id)
            waiting += edges.get(id, ())
    return seen
