"""A graph of tables and what is made of them, followed column by column where columns are known."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from groundplan.lineage.columns import Column, Columns

#: What was reached: node → its columns, or None where all of it was.
Reached = Mapping[str, frozenset[str] | None]
_At = tuple[str, str | None]


@dataclass
class Graph:
    """Nodes by id; an edge says that the one is made of the other.

    A node with :class:`Columns` (whose tables are node ids) is followed column by column, any other as a whole: then
    each column of what it is made of reaches all of it.
    """

    sources: dict[str, set[str]] = field(default_factory=dict)
    targets: dict[str, set[str]] = field(default_factory=dict)
    columns: dict[str, Columns] = field(default_factory=dict)
    _reaches: dict[str, dict[Column, frozenset[str] | None]] = field(default_factory=dict)

    def add(self, node: str, made_of: Iterable[str] = (), columns: Columns | None = None) -> None:
        """Add a node and what it is made of."""
        given = set(made_of)
        self.sources.setdefault(node, set()).update(given)
        self.targets.setdefault(node, set())
        for source in given:
            self.sources.setdefault(source, set())
            self.targets.setdefault(source, set()).add(node)
        if columns is not None:
            self.columns[node] = columns
            self._reaches.pop(node, None)

    def __contains__(self, node: str) -> bool:
        """Whether there is a node of that id."""
        return node in self.sources

    def columns_of(self, node: str) -> list[str]:
        """Return the columns of a node that the graph knows of: its own, and those that others are made of."""
        own = self.columns[node].direct.keys() if node in self.columns else set()
        read = {
            column
            for target in self.targets.get(node, ())
            if target in self.columns
            for column in self._columns_read(target, node)
        }
        return sorted({*own, *read})

    def _columns_read(self, target: str, node: str) -> Iterator[str]:
        known = self.columns[target]
        for columns in (*known.direct.values(), known.everywhere):
            yield from (column for source, column in columns if source == node)

    def downstream(self, node: str, column: str | None = None) -> Reached:
        """Return all that depends on a node, or on one column of it, nearest first. Empty for an unknown node."""
        return _walk((node, column), self._next)

    def upstream(self, node: str, column: str | None = None) -> Reached:
        """Return all that a node, or one column of it, depends on, nearest first. Empty for an unknown node."""
        return _walk((node, column), self._before)

    def _next(self, at: _At) -> Iterator[_At]:
        node, column = at
        for target in sorted(self.targets.get(node, ())):
            if column is None or target not in self.columns:
                yield target, None
                continue
            hit = self._reached_by(target).get((node, column), frozenset())
            yield from ((target, each) for each in (sorted(hit) if hit is not None else [None]))

    def _reached_by(self, target: str) -> dict[Column, frozenset[str] | None]:
        """Return which columns of a node each column of its sources reaches; None for all of them."""
        if target not in self._reaches:
            found: dict[Column, set[str]] = {}
            for name, made_of in self.columns[target].direct.items():
                for source in made_of:
                    found.setdefault(source, set()).add(name)
            everywhere = dict.fromkeys(self.columns[target].everywhere)
            self._reaches[target] = {**{column: frozenset(names) for column, names in found.items()}, **everywhere}
        return self._reaches[target]

    def _before(self, at: _At) -> Iterator[_At]:
        node, column = at
        known = self.columns.get(node)
        if column is None or known is None or column not in known.direct:
            yield from ((source, None) for source in sorted(self.sources.get(node, ())))
            return
        yield from sorted(known.direct[column] | known.everywhere)


def _walk(start: _At, step: Callable[[_At], Iterator[_At]]) -> Reached:
    reached: dict[str, set[str] | None] = {}
    seen, ahead = {start}, deque([start])
    while ahead:
        for node, column in step(ahead.popleft()):
            if (node, column) in seen or (column is not None and (node, None) in seen):
                continue  # all of it was reached before: nothing more to find behind one of its columns
            seen.add((node, column))
            ahead.append((node, column))
            before = reached.setdefault(node, set())
            if column is None:
                reached[node] = None
            elif before is not None:
                before.add(column)
    return {node: None if names is None else frozenset(names) for node, names in reached.items() if node != start[0]}
