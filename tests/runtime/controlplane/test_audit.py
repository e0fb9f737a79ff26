"""The audit trail on a real PostgreSQL: chained, proved, exported, and enough to rebuild the registry."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fnmatch import fnmatch
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundplan.controlplane import approvals, registry, retirements, store
from groundplan.controlplane.audit import chain, guard, replay, trail
from groundplan.controlplane.audit.checkpoints import Checkpoint
from groundplan.controlplane.audit.verify import Report, verify
from groundplan.controlplane.db.engine import migrate
from groundplan.controlplane.db.tables import metadata
from groundplan.controlplane.store import Actor, Resource
from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.test_api import project  # noqa: F401 - a fixture

ANN = Actor("ann", "a reason", "c-1")
NewDatabase = Callable[[], sa.Engine]
MADE = {"digest": "d" * 16, "run_id": "r", "metrics": {"mae": 1.5}, "features": None}


@pytest.fixture(scope="module")
def engine(new_database: NewDatabase) -> sa.Engine:
    made = new_database()
    migrate(made)
    return made


def thing(name: str, number: object = 1) -> Resource:
    return Resource("p", "entity", name, "d" * 16, "d" * 16, {"n": number}, {})


def declare(engine: sa.Engine, *names: str) -> None:
    for name in names:
        with engine.begin() as connection:
            store.declare(connection, thing(name), ANN)


def report(engine: sa.Engine, *marks: Checkpoint) -> Report:
    with engine.connect() as connection:
        return verify(connection, marks)


def by_hand(engine: sa.Engine, *statements: str) -> None:
    """What somebody with all rights over the database does."""
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE events DISABLE TRIGGER events_append_only"))
        connection.execute(sa.text("DELETE FROM lineage_outbox"))  # it refers to them
        for statement in statements:
            connection.execute(sa.text(statement))
        connection.execute(sa.text("ALTER TABLE events ENABLE TRIGGER events_append_only"))


def test_events_are_numbered_without_gaps_whatever_is_rolled_back(engine: sa.Engine) -> None:
    declare(engine, "a", "b")
    with engine.connect() as connection:
        store.declare(connection, thing("never"), ANN)
        connection.rollback()
    declare(engine, "c")
    with engine.connect() as connection:
        seqs = [event["seq"] for event in trail.every(connection)]
        assert store.get(connection, "p", "entity", "never") is None
    assert seqs == list(range(1, len(seqs) + 1))
    assert report(engine).fault is None


def test_what_follows_an_event_is_written_with_it(new_database: NewDatabase) -> None:
    engine, told = new_database(), list[int]()
    migrate(engine)
    chain.install(engine, lambda _, seqs: told.extend(seqs))
    declare(engine, "a", "b")
    with engine.connect() as connection:
        store.declare(connection, thing("never"), ANN)
        connection.rollback()
    assert told == [1, 2]


def test_writers_at_once_make_one_chain(engine: sa.Engine) -> None:
    def many(number: int) -> None:
        declare(engine, *(f"w{number}-{each}" for each in range(10)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(many, range(8)))
    found = report(engine)
    assert found.fault is None
    assert found.events == found.seq >= 80


TAMPERED = {
    "changed": ["UPDATE events SET actor = 'eve' WHERE seq = 3"],
    "changed time": ["UPDATE events SET at = at - interval '1 hour' WHERE seq = 3"],
    "changed after": ["""UPDATE events SET after = '{"n": 2}' WHERE seq = 3"""],
    "missing": ["DELETE FROM events WHERE seq = 3"],
    "missing, closed up": ["DELETE FROM events WHERE seq = 3", "UPDATE events SET seq = seq - 1 WHERE seq > 3"],
    "missing first": ["DELETE FROM events WHERE seq = 1"],
    "reordered": [
        "UPDATE events SET seq = 1000 WHERE seq = 3",
        "UPDATE events SET seq = 3 WHERE seq = 4",
        "UPDATE events SET seq = 4 WHERE seq = 1000",
    ],
    "truncated": ["DELETE FROM events WHERE seq > 4"],
    "truncated to nothing": ["DELETE FROM events"],
}


@pytest.mark.parametrize("what", TAMPERED)
def test_every_kind_of_tampering_is_named(new_database: NewDatabase, what: str) -> None:
    engine = new_database()
    migrate(engine)
    declare(engine, *"abcdef")
    with engine.connect() as connection:
        mark = Checkpoint(*chain.head(connection), "now")
    assert report(engine, mark).fault is None
    by_hand(engine, *TAMPERED[what])
    fault = report(engine, mark).fault
    assert fault is not None
    assert fault.fault == what.replace(",", " ").split()[0]
    first = 1 if "first" in what or "nothing" in what else 5 if "truncated" in what else 3
    assert fault.seq == first


def test_a_chain_that_was_written_anew_is_found_by_its_checkpoint(new_database: NewDatabase) -> None:
    engine = new_database()
    migrate(engine)
    declare(engine, *"abcdef")
    with engine.connect() as connection:
        mark = Checkpoint(*chain.head(connection), "now")
    by_hand(engine, "UPDATE events SET actor = 'eve' WHERE seq = 3", *_rechained(engine, 3, "eve"))
    assert report(engine).fault is None  # hashes alone cannot tell
    fault = report(engine, mark).fault
    assert fault is not None
    assert (fault.seq, fault.fault) == (6, "rewritten")


def _rechained(engine: sa.Engine, changed: int, actor: str) -> list[str]:
    previous, statements = chain.START, []
    with engine.connect() as connection:
        for event in trail.every(connection):
            told = {**event, "actor": actor} if event["seq"] == changed else event
            own = chain.hash_of(previous, told)
            statements.append(f"UPDATE events SET previous='{previous}', hash='{own}' WHERE seq={event['seq']}")
            previous = own
    return statements


numbers = st.one_of(st.integers(-(10**30), 10**30), st.floats(allow_nan=False, allow_infinity=False))
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(value=values)
def test_whatever_json_an_event_holds_its_hash_stands_after_the_database(engine: sa.Engine, value: Any) -> None:
    with engine.begin() as connection:
        store.record(connection, ANN, "said", ("p", "entity", "any"), None, {"digest": "", "value": value})
    with engine.connect() as connection:
        newest = trail.page(connection, trail.Filter(), 0, 1, newest=True)[0]
    assert chain.hash_of(newest["previous"], newest) == newest["hash"]


def test_no_audited_table_changes_without_an_event(engine: sa.Engine) -> None:
    declare(engine, "guarded")
    statements = {
        "resources": "UPDATE resources SET status = 'ready' WHERE name = 'guarded'",
        "pairs": "INSERT INTO pairs (project, model, version, digest, run_id, metrics, state) "
        "VALUES ('p', 'm', 1, 'd', 'r', '{}', 'committed')",
        "aliases": "INSERT INTO aliases (project, model, alias) VALUES ('p', 'm', 'a')",
        "alias_moves": "INSERT INTO alias_moves (project, model, alias, actor) VALUES ('p', 'm', 'a', 'x')",
        "approvals": "INSERT INTO approvals (project, model, version, actor, reason) VALUES ('p', 'm', 1, 'x', 'y')",
        "retirements": "INSERT INTO retirements (project, model, version, retired, actor, reason) "
        "VALUES ('p', 'm', 1, true, 'x', 'y')",
    }
    assert set(statements) == set(guard.AUDITED)
    for table, statement in statements.items():
        with (
            pytest.raises(sa.exc.DBAPIError, match=f"{table} was changed without an event"),
            engine.begin() as connection,
        ):
            connection.execute(sa.text(statement))


def test_every_table_is_audited_or_says_why_not(engine: sa.Engine) -> None:
    unknown = set(metadata.tables) - set(guard.AUDITED)
    assert not [table for table in unknown if not any(fnmatch(table, pattern) for pattern in guard.UNAUDITED)]
    with engine.connect() as connection:
        real = set(sa.inspect(connection).get_table_names()) - {"alembic_version"}
        triggers = set(connection.execute(sa.text("SELECT tgname FROM pg_trigger WHERE NOT tgisinternal")).scalars())
    assert real == set(metadata.tables)
    assert {guard.trigger(table) for table in guard.AUDITED} <= triggers


def lived(engine: sa.Engine) -> None:
    """A bit of everything that the registry can live through."""
    with engine.begin() as connection:
        first = store.declare(connection, thing("kept"), ANN)
        store.declare(connection, thing("gone"), ANN)
        store.settle(connection, replace(first, outputs={"x": 1}, status="ready"), ANN)
        registry.commit_pair(connection, "p", "m", 1, MADE, ANN)
        registry.commit_pair(connection, "p", "m", 2, {**MADE, "digest": "e" * 16}, ANN)
        approvals.approve(connection, "p", "m", 2, ANN)
    with engine.begin() as connection:
        store.note(connection, first, {"y": 2}, ANN, "flip")
        store.remove(connection, thing("gone"), ANN)
        registry.void_pair(connection, "p", "m", 1, ANN)
        for retired in (True, False):
            retirements.write(connection, "p", "m", 2, retired, ANN)
        for version, cause in ((1, "follow"), (2, "promote")):
            now = registry.pointer(connection, "p", "m", "production")
            registry.move(connection, "p", "m", "production", now, version, ANN, {"gates": []}, cause)
        registry.hold(connection, "p", "m", "production", "an incident", ANN)
        now = registry.pointer(connection, "p", "m", "latest")
        registry.move(connection, "p", "m", "latest", now, 2, ANN)
        registry.drop(connection, "p", "m", "latest", ANN)
    with engine.begin() as connection:
        registry.commit_pair(connection, "p", "old", 1, MADE, ANN)
        registry.forget_pairs(connection, "p", "old", ANN)
        store.declare(connection, thing("kept", 2), ANN)


def test_the_registry_is_rebuilt_from_an_export_into_an_empty_database(new_database: NewDatabase) -> None:
    real, empty = new_database(), new_database()
    for engine in (real, empty):
        migrate(engine)
    lived(real)
    with real.connect() as connection:
        lines = [json.dumps(trail.shown(event)) for event in trail.every(connection)]
    with empty.begin() as connection:
        replay.restore(connection, map(json.loads, lines))
    for table in guard.AUDITED:
        with real.connect() as one, empty.connect() as other:
            rows = replay.real_rows(one, table)
            assert rows, f"nothing was done to {table}"
            assert rows == replay.real_rows(other, table)
    assert report(empty) == report(real)
    declare(empty, "goes-on")
    assert report(empty).fault is None
    with pytest.raises(ValueError, match="has events already"), empty.begin() as connection:
        replay.restore(connection, map(json.loads, lines))


def test_a_row_that_the_events_do_not_tell_is_named(new_database: NewDatabase) -> None:
    engine = new_database()
    migrate(engine)
    lived(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE aliases DISABLE TRIGGER aliases_needs_event"))
        connection.execute(sa.text("UPDATE aliases SET version = 1 WHERE alias = 'production'"))
    with engine.connect() as connection:
        found = list(replay.differences(connection, replay.rebuilt(connection)))
    assert found == ["aliases: p m production: version is not what the events say"]


def test_what_was_there_before_the_chain_is_chained_and_rebuilt(new_database: NewDatabase) -> None:
    engine = new_database()
    migrate(engine, "0004")
    resource = "'p', 'entity', 'e', 'd', 'd', '{}', '{}', '{}', 'ready'"
    with engine.begin() as connection:
        columns = "project, kind, name, digest, data_digest, properties, upstream, outputs, status"
        connection.execute(sa.text(f"INSERT INTO resources ({columns}) VALUES ({resource})"))
        told = "INSERT INTO events (actor, action, project, kind, name) VALUES ('ann', 'declare', 'p', 'entity', 'e')"
        for _ in range(3):
            connection.execute(sa.text(told))
    migrate(engine)
    found = report(engine)
    assert (found.events, found.fault) == (4, None)
    declare(engine, "e", "f")
    with engine.connect() as connection:
        assert list(replay.differences(connection, replay.rebuilt(connection))) == []


def test_pages_filters_and_the_export_tell_the_same(project: Plane) -> None:  # noqa: F811
    http = project.http
    http.put("/v1/projects/p/resources/entity/asked", headers={"X-Groundplan-Actor": "zoe", "X-Correlation-Id": "z-1"},
             json={"digest": "0" * 16, "data_digest": "0" * 16, "reason": "why not",
                   "properties": {"join_key": "k", "type": "string", "description": ""}})  # fmt: skip
    mine = http.get("/v1/audit/events?actor=zoe").json()["events"]
    assert [(e["action"], e["reason"], e["correlation_id"]) for e in mine] == [
        ("declare", "why not", "z-1"),
        ("ready", "why not", "z-1"),
    ]
    assert http.get("/v1/audit/events", params={"actor": "zoe", "until": mine[0]["at"]}).json()["events"] == []
    assert http.get("/v1/audit/events", params={"since": mine[0]["at"], "name": "asked"}).json()["events"] == mine
    paged, cursor = [], 0
    while cursor is not None:
        page = http.get(f"/v1/audit/events?limit=7&after={cursor}&project=p").json()
        paged, cursor = paged + page["events"], page["next"]
    exported = [json.loads(line) for line in http.get("/v1/audit/export?project=p").text.splitlines()]
    assert paged == exported
    for wrong in ("events?since=yesterday", "export?actor=%00", "events?after=-1", "events?limit=0"):
        assert http.get(f"/v1/audit/{wrong}").status_code == 422, wrong
    assert http.get("/v1/audit/verify", headers={"Authorization": ""}).status_code == 401


def test_no_secret_is_in_any_event(project: Plane) -> None:  # noqa: F811
    text = project.http.get("/v1/audit/export").text
    secrets = [file.read_text().strip() for file in project.platform.runtime.secrets_dir.iterdir()]
    assert len(secrets) >= 9
    assert not [secret for secret in secrets if secret in text]
