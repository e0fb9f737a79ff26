"""Cycles in a small graph."""

from collections.abc import Iterator, Mapping, Sequence


def cycles(edges: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield each cycle once, as its members in order. ``edges``: node → the nodes that it needs."""
    done: set[str] = set()
    for start in sorted(edges):
        if start not in done:
            yield from _from(start, edges, done)


def _from(start: str, edges: Mapping[str, Sequence[str]], done: set[str]) -> Iterator[tuple[str, ...]]:
    # Depth first with an explicit stack: declared chains may be longer than Python's recursion limit.
    path, ahead = [start], [iter(edges.get(start, ()))]
    while ahead:
        node = next(ahead[-1], None)
        if node is None:
            done.add(path.pop())
            ahead.pop()
        elif node in path:
            yield tuple(path[path.index(node) :])
        elif node not in done:
            path.append(node)
            ahead.append(iter(edges.get(node, ())))
