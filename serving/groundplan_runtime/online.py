"""Features as they are known now, read from the online store without Feast: one round trip, arrays out.

Importing Feast would cost each replica seconds and 200 MB. The layout: :mod:`groundplan_runtime.online_layout`; the
tests hold this reader against Feast's own on the same rows. As with Feast's Redis store, a row answers however old it
is: what is online lay within its view's ttl when it was materialized, and ``times`` says of when it is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from groundplan_runtime import online_layout as layout
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.online_wire import Answers, Wire, command, heading, words

Keys = tuple[tuple[str, str], ...]
Fields = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class _Group:
    """Views of the same entities, whose features share one hash: asked for at once. ``views`` are in their order."""

    keys: Keys
    views: tuple[tuple[str, Fields], ...]
    encode: Callable[[Sequence[Any]], bytes]
    head: bytes
    fields: bytes


class OnlineReader:
    """Reads a project's features. For one event loop; reconnects by itself, never waits for more than a second."""

    def __init__(self, runtime: Runtime, project: str) -> None:
        # Here, not at the first request: it should not pay for them.
        import mmh3  # noqa: F401
        import numpy  # noqa: F401

        self._wire, self._project = Wire(runtime), project

    async def read(self, features: Mapping[str, Any], entities: Sequence[Mapping[str, Any]]) -> Block:
        """Return the features of ``entities``, a row each, with their join keys.

        ``features`` is ``{"views": {view: {"join_keys": {name: type}, "fields": {field: type}}}, "entities": {…}}``.
        ConnectionError when the store does not answer; RuntimeProblem for an integer key beyond 64 bits.
        """
        groups = _groups(self._project, features["views"])
        wanted = [_distinct(group.keys, entities) for group in groups]
        answers = await self._ask(groups, [values for values, _ in wanted])
        columns = _Columns(len(entities))
        for entity in features["entities"].values():
            columns.add_key(entity["join_key"], entity["type"], entities)
        for group, found, (_, rows) in zip(groups, answers, wanted, strict=True):
            columns.add_group(group, found, rows)
        return columns.block(features["views"])

    async def close(self) -> None:
        """Close every connection."""
        await self._wire.close()

    async def _ask(self, groups: Sequence[_Group], wanted: Sequence[Sequence[Any]]) -> list[Answers]:
        """Return, by group, the answer for each of its distinct entities."""
        commands = [
            command(group.encode(values), group.head, group.fields)
            for group, each in zip(groups, wanted, strict=True)
            for values in each
        ]
        found = await self._wire.ask(commands)
        parts, at = [], 0
        for each in wanted:
            parts.append(found[at : at + len(each)])
            at += len(each)
        return parts


def _groups(project: str, views: Mapping[str, Any]) -> list[_Group]:
    shared: dict[Keys, list[tuple[str, Fields]]] = {}
    for name, given in views.items():
        keys = tuple(sorted(given["join_keys"].items()))
        shared.setdefault(keys, []).append((name, tuple(given["fields"].items())))
    return [_group(project, keys, tuple(found)) for keys, found in shared.items()]


@lru_cache(maxsize=256)
def _group(project: str, keys: Keys, views: tuple[tuple[str, Fields], ...]) -> _Group:
    hashed = [each for name, fields in views for each in layout.hash_fields(name, [field for field, _ in fields])]
    encode = layout.key_encoder(keys, project.encode())
    return _Group(keys, views, encode, heading(len(hashed)), words(*hashed))


def _distinct(keys: Keys, entities: Sequence[Mapping[str, Any]]) -> tuple[list[Any], list[int]]:
    """Return the entities' values without repetition, and for each row the position of its own."""
    names = [name for name, _ in keys]
    if len(names) == 1:
        given: Any = [(entity[names[0]],) for entity in entities]
    else:
        given = map(itemgetter(*names), entities)
    positions: dict[Any, int] = {}
    rows = [positions.setdefault(values, len(positions)) for values in given]
    return list(positions), rows


class _Columns:
    """Columns of a block while they are gathered."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._numbers: dict[str, Any] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._times: dict[str, Any] = {}

    def add_key(self, name: str, kind: str, entities: Sequence[Mapping[str, Any]]) -> None:
        """Add a join key's column."""
        import numpy as np

        values = [entity[name] for entity in entities]
        if kind == layout.TEXT:
            self._texts[name] = values
        else:
            self._numbers[name] = np.array(values, dtype="float64")

    def add_group(self, group: _Group, answers: Answers, rows: Sequence[int]) -> None:
        """Add the columns of its views: ``answers`` by distinct entity, ``rows`` the one of each row of the block."""
        import numpy as np

        columns, places = iter(zip(*answers, strict=True)), np.array(rows)
        for view, fields in group.views:
            for field, kind in fields:
                column, name = next(columns), f"{view}__{field}"
                if kind == layout.TEXT:
                    found = layout.texts(column)
                    self._texts[name] = [found[row] for row in rows]
                else:
                    self._numbers[name] = layout.numbers(column)[places]
            self._times[view] = layout.instants(next(columns))[places]

    def block(self, views: Mapping[str, Any]) -> Block:
        """Return them as a block: keys, then the views' features, all in the order of their declaration."""
        import numpy as np

        order = [f"{view}__{field}" for view, given in views.items() for field in given["fields"]]
        keys = [name for name in self._numbers if name not in set(order)]
        names = (*keys, *(name for name in order if name in self._numbers))
        numbers = np.empty((self._rows, len(names)))
        for position, name in enumerate(names):
            numbers[:, position] = self._numbers[name]
        return Block(self._rows, names, numbers, self._texts, self._times)
