"""What flows where: from a raw column to the endpoint that depends on it, and back. Pure: no service is asked."""

from groundplan.lineage.columns import Column, Columns, columns_of_sql
from groundplan.lineage.declared import PREDICTION, Declared, Known, declared_graph, reads_of
from groundplan.lineage.graph import Graph, Reached
from groundplan.lineage.impact import Impact, impact_of, impact_of_declared
from groundplan.lineage.nodes import Point, find_point
from groundplan.lineage.trace import trace

__all__ = [
    "PREDICTION",
    "Column",
    "Columns",
    "Declared",
    "Graph",
    "Impact",
    "Known",
    "Point",
    "Reached",
    "columns_of_sql",
    "declared_graph",
    "find_point",
    "impact_of",
    "impact_of_declared",
    "reads_of",
    "trace",
]
