"""Following a graph, column by column where columns are known."""

from hypothesis import given
from hypothesis import strategies as st

from groundplan.lineage import Columns, Graph, Point, trace


def _chain() -> Graph:
    graph = Graph()
    graph.add("view", ["raw"], Columns({"x": frozenset({("raw", "a")})}, frozenset({("raw", "key")})))
    graph.add("python", ["raw"])
    graph.add("model", ["view", "python"], Columns({"y": frozenset({("view", "x"), ("python", "z")})}))
    return graph


def test_a_column_reaches_what_is_made_of_it_and_no_more() -> None:
    graph = _chain()
    assert graph.downstream("raw", "a") == {"python": None, "view": {"x"}, "model": None}
    graph.add("model", [], Columns({"y": frozenset({("view", "x")})}))
    assert graph.downstream("view", "x") == {"model": {"y"}}
    assert graph.downstream("view", "other") == {}
    assert graph.downstream("raw", "key")["view"] is None, "what decides over the rows reaches every column"


def test_upstream_is_the_way_back() -> None:
    graph = _chain()
    assert graph.upstream("view", "x") == {"raw": {"a", "key"}}
    assert set(graph.upstream("model")) == {"view", "python", "raw"}
    assert graph.upstream("raw") == {}
    assert graph.downstream("none such") == {}


def test_a_circle_ends() -> None:
    graph = Graph()
    graph.add("a", ["b"])
    graph.add("b", ["a"])
    assert set(graph.downstream("a")) == {"b"}


def test_a_trace_has_the_edges_between() -> None:
    found = trace(_chain(), Point("view", "x"))
    assert found["upstream"] == {"raw": ["a", "key"]}
    assert found["downstream"] == {"model": ["y"]}
    assert found["edges"] == [["raw", "view"], ["view", "model"]]


NODES = st.integers(min_value=0, max_value=12)


@given(st.lists(st.tuples(NODES, NODES), max_size=40))
def test_reaching_is_the_same_both_ways(edges: list[tuple[int, int]]) -> None:
    graph = Graph()
    for source, target in edges:
        graph.add(str(target), [str(source)])
    for node in graph.sources:
        for reached in graph.downstream(node):
            assert node in graph.upstream(reached)
