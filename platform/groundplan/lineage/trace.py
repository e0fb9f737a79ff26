"""One node with all that it depends on, all that depends on it, and the edges between: what trees are drawn of."""

from typing import Any

from groundplan.lineage.graph import Graph, Reached
from groundplan.lineage.nodes import Point


def trace(graph: Graph, point: Point) -> dict[str, Any]:
    """Return ``{"node", "column", "upstream", "downstream", "edges": [[from, to]]}``.

    ``upstream`` and ``downstream``: id → its columns that are reached, null where all of it is.
    """
    up, down = graph.upstream(point.node, point.column), graph.downstream(point.node, point.column)
    edges = sorted({*_between(graph, {point.node, *up}), *_between(graph, {point.node, *down})})
    return {
        "node": point.node,
        "column": point.column,
        "upstream": _listed(up),
        "downstream": _listed(down),
        "edges": [list(edge) for edge in edges],
    }


def _between(graph: Graph, nodes: set[str]) -> set[tuple[str, str]]:
    return {(source, node) for node in nodes for source in graph.sources.get(node, ()) if source in nodes}


def _listed(reached: Reached) -> dict[str, list[str] | None]:
    return {node: None if columns is None else sorted(columns) for node, columns in reached.items()}
