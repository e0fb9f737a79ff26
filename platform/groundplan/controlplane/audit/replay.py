"""The registry from its events alone: every audited table, row by row.

What differs from the real tables is :data:`VOLATILE`: numbers that the database gives out. The order of what they
number is the same.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane.audit.adopt import ADOPT, REGISTRY
from groundplan.controlplane.audit.guard import AUDITED
from groundplan.controlplane.audit.trail import every
from groundplan.controlplane.db.tables import metadata

#: Columns that are not rebuilt, by table.
VOLATILE = {"alias_moves": ("seq",), "approvals": ("seq",), "retirements": ("seq",)}

Event = Mapping[str, Any]
Row = dict[str, Any]
Key = tuple[Any, ...]


class Unknown(ValueError):
    """An event that nobody has taught how to play again."""


class State:
    """The audited tables in memory: rows by key, and lists of what is only ever appended."""

    def __init__(self) -> None:
        self.keyed: dict[str, dict[Key, Row]] = {"resources": {}, "pairs": {}, "aliases": {}}
        self.appended: dict[str, list[Row]] = {table: [] for table in VOLATILE}

    def rows(self, table: str) -> list[Row]:
        """Return a table's rows, in the order of their keys, or of their coming."""
        if table in self.appended:
            return self.appended[table]
        return [row for _, row in sorted(self.keyed[table].items())]


def rebuilt(connection: sa.Connection) -> State:
    """Return what the tables hold by the events of this database; raises as :func:`replay` does."""
    seq = metadata.tables["events"].c.seq
    adopted = sa.select(seq).where(_is_adoption()).order_by(seq.desc()).limit(1)
    first = connection.execute(adopted).scalar_one_or_none() or 0
    return replay(event for event in every(connection) if event["seq"] >= first)


def _is_adoption() -> sa.ColumnElement[bool]:
    columns = metadata.tables["events"].c
    return sa.and_(columns.kind == REGISTRY, columns.action == ADOPT)


def replay(events: Iterable[Event]) -> State:
    """Return what the tables hold after these events, oldest first. Unknown for one that nobody can play.

    They begin with the first event of all, or with the adoption of what was there before the chain.
    """
    state = State()
    for event in events:
        _player(event)(state, event)
    return state


def _player(event: Event) -> Callable[[State, Event], None]:
    kind, action = event["kind"], event["action"]
    special = PLAYERS.get((kind, action))
    if special is not None:
        return special
    if "digest" in (event["after"] or event["before"] or {}) and kind != "pair":
        return _resource
    raise Unknown(f"event {event['seq']}: nobody knows how to play {kind} {action}")


def _resource(state: State, event: Event) -> None:
    key = (event["project"], event["kind"], event["name"])
    if event["after"] is None:
        state.keyed["resources"].pop(key, None)
        return
    before = state.keyed["resources"].get(key)
    created = before["created_at"] if before else event["at"]
    state.keyed["resources"][key] = {**event["after"], "created_at": created, "updated_at": event["at"]}


def _commit(state: State, event: Event) -> None:
    made = event["after"]
    key = (event["project"], event["name"], made["version"])
    names = ("digest", "run_id", "metrics", "features", "trained_by", "trained_on", "source")
    kept = {name: made.get(name) for name in names}
    row = {"project": key[0], "model": key[1], "version": key[2], **kept, "state": "committed"}
    state.keyed["pairs"][key] = {**row, "created_at": event["at"]}


def _void(state: State, event: Event) -> None:
    state.keyed["pairs"][event["project"], event["name"], event["before"]["version"]]["state"] = "void"


def _purge(state: State, event: Event) -> None:
    for (project, model, _), row in state.keyed["pairs"].items():
        if (project, model) == (event["project"], event["name"]):
            row["state"] = "purged"


def _approve(state: State, event: Event) -> None:
    who = {name: event[name] for name in ("at", "project", "actor", "reason", "correlation_id")}
    state.appended["approvals"].append({**who, "model": event["name"], "version": event["after"]["version"]})


def _retire(state: State, event: Event) -> None:
    who = {name: event[name] for name in ("at", "project", "actor", "reason", "correlation_id")}
    state.appended["retirements"].append({**who, "model": event["name"], **event["after"]})


def _nothing(state: State, event: Event) -> None:
    """An `up` that was made: what it changed are events of their own."""


def _alias(event: Event) -> Key:
    model, _, alias = event["name"].partition("@")
    return event["project"], model, alias


def _move(state: State, event: Event) -> None:
    before, after, key = event["before"], event["after"], _alias(event)
    row = state.keyed["aliases"].setdefault(key, _named(key) | {"hold_reason": None, "hold_actor": None})
    row |= {"version": after["version"], "generation": after["generation"]}
    told = {"from_version": before["version"], "to_version": after["version"]}
    _moved(state, event, {**told, "cause": after["cause"], "evidence": after["evidence"]})


def _hold(state: State, event: Event) -> None:
    state.keyed["aliases"][_alias(event)] |= event["after"]


def _drop_alias(state: State, event: Event) -> None:
    state.keyed["aliases"].pop(_alias(event), None)
    version = event["before"]["version"]
    if version is not None:
        told = {"from_version": version, "to_version": None, "cause": "delete", "evidence": None}
        _moved(state, event, told)


def _moved(state: State, event: Event, told: Row) -> None:
    who = {name: event[name] for name in ("at", "actor", "reason")}
    state.appended["alias_moves"].append(_named(_alias(event)) | who | told)


def _named(key: Key) -> Row:
    return dict(zip(("project", "model", "alias"), key, strict=True))


def _adopt(state: State, event: Event) -> None:
    """Begin with what the tables held when their changes began to be chained."""
    for table, rows in event["after"].items():
        found = [_typed(table, row) for row in rows]
        if table in state.appended:
            state.appended[table] = found
            continue
        keys = [column.name for column in metadata.tables[table].primary_key.columns]
        state.keyed[table] = {tuple(row[key] for key in keys): row for row in found}


def _typed(table: str, row: Row) -> Row:
    columns = metadata.tables[table].columns
    kept = {name: row.get(name) for name in columns.keys() if name not in VOLATILE.get(table, ())}  # noqa: SIM118
    times = {name for name in kept if isinstance(columns[name].type, sa.DateTime)}
    return {name: datetime.fromisoformat(str(value)) if name in times else value for name, value in kept.items()}


#: (kind, action) → how it is played again; every other event tells the whole of a resource.
PLAYERS: dict[tuple[str, str], Callable[[State, Event], None]] = {
    (REGISTRY, ADOPT): _adopt,
    ("up", "up"): _nothing,
    ("pair", "commit"): _commit,
    ("pair", "void"): _void,
    ("pair", "purge"): _purge,
    ("pair", "approve"): _approve,
    ("pair", "retire"): _retire,
    ("pair", "restore"): _retire,
    ("alias", "move"): _move,
    ("alias", "hold"): _hold,
    ("alias", "release"): _hold,
    ("alias", "drop"): _drop_alias,
}


def differences(connection: sa.Connection, state: State) -> Iterator[str]:
    """Yield one line for each row of the audited tables that the events do not tell, or tell otherwise."""
    for table in AUDITED:
        real, told = real_rows(connection, table), state.rows(table)
        if len(real) != len(told):
            yield f"{table}: {len(real)} rows, and {len(told)} by the events"
        for row, wanted in zip(real, told, strict=False):
            wrong = sorted(name for name in row if row[name] != wanted.get(name))
            if wrong:
                key = " ".join(str(row[name]) for name in list(row)[:3])
                yield f"{table}: {key}: {', '.join(wrong)} is not what the events say"


def real_rows(connection: sa.Connection, table: str) -> list[Row]:
    """Return an audited table's rows without their volatile columns, in the order that :meth:`State.rows` has."""
    found = metadata.tables[table]
    columns = [column for column in found.columns if column.name not in VOLATILE.get(table, ())]
    rows = [dict(row) for row in connection.execute(sa.select(*columns).order_by(*found.primary_key)).mappings()]
    if table in VOLATILE:
        return rows
    keys = [column.name for column in found.primary_key.columns]
    # As Python orders text: the database's collation is its own.
    return sorted(rows, key=lambda row: tuple(row[key] for key in keys))


def restore(connection: sa.Connection, events: Iterable[Event]) -> State:
    """Write events, as they were exported, and the state that they tell into an empty, migrated database.

    The events keep their numbers and hashes. ValueError when the database has events already.
    """
    target = metadata.tables["events"]
    if connection.execute(sa.select(target.c.seq).limit(1)).first() is not None:
        raise ValueError("the database has events already: restore into an empty one")
    told = [_typed("events", dict(event)) for event in events]
    if told:
        connection.execute(sa.insert(target), told)
    adopted = [place for place, event in enumerate(told) if (event["kind"], event["action"]) == (REGISTRY, ADOPT)]
    state = replay(told[adopted[-1] :] if adopted else told)
    for table in AUDITED:
        rows = state.rows(table)
        if rows:
            connection.execute(sa.insert(metadata.tables[table]), rows)
    return state
