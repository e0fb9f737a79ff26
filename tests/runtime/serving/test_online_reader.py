"""Our reader of the online store against Feast's own, on one Valkey, value by value."""

import asyncio
import subprocess
import sys
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from groundplan_runtime import feast_repo, frames
from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.features import Features
from groundplan_runtime.online import OnlineReader

SERVING = Path(__file__).resolve().parents[3] / "serving"
NOON = pd.Timestamp("2013-01-01 12:00:00.123456", tz="UTC")
TYPES = {"s": "string", "i": "int64", "f": "float64", "b": "bool", "t": "timestamp"}
ENTITIES = {
    "origin": {"join_key": "origin", "type": "string"},
    "gate": {"join_key": "gate_no", "type": "int64"},
    "carrier": {"join_key": "carrier", "type": "string"},
}
#: Two views of one entity (one hash in the store), one of an integer key, one of two keys not in alphabetical order.
VIEWS = {"weather": ["origin"], "traffic": ["origin"], "gates": ["gate"], "routes": ["origin", "carrier"]}
ORIGINS, GATES, CARRIERS = ["JFK", "Zürich ✈", "", "a" * 300], [0, -7, 2**62], ["AA", "日本"]


def features_of(views: dict[str, list[str]]) -> dict[str, Any]:
    """FEATURES of these views of all fields."""
    used = {name for entities in views.values() for name in entities}
    keys = {v: {ENTITIES[e]["join_key"]: ENTITIES[e]["type"] for e in entities} for v, entities in views.items()}
    return {
        "name": "all",
        "views": {view: {"join_keys": keys[view], "fields": TYPES} for view in views},
        "entities": {name: ENTITIES[name] for name in ENTITIES if name in used},
    }


def rows_of(view: str, entities: list[str]) -> pd.DataFrame:
    """Rows of a view: values at the edges of their types, each missing somewhere, and one row with nothing in it."""
    values = {"origin": ORIGINS, "gate_no": GATES, "carrier": CARRIERS}
    names = [ENTITIES[name]["join_key"] for name in entities]
    frame = pd.MultiIndex.from_product([values[name] for name in names], names=names).to_frame(index=False)
    count, seed = len(frame), len(view)
    at = [None, NOON.floor("s"), pd.Timestamp("1969-07-20 20:17:40", tz="UTC"), pd.Timestamp(0, tz="UTC")]
    made: dict[str, list[Any]] = {
        "s": ["x", "", None, "Ωmega"],
        "i": [None, 0, -1, 2**40],
        "f": [1.5, None, -0.0, 1e308],
        "b": [True, False, None, True],
        "t": at,
    }
    for field, cycle in made.items():
        frame[field] = pd.Series([cycle[(n + seed) % 4] for n in range(count)], dtype=object)
    frame.loc[count - 1, list(made)] = None
    return frame.assign(at=[NOON + pd.Timedelta(hours=n) for n in range(count)])


@pytest.fixture(scope="module")
def project(services: Runtime) -> str:
    """A project with all views registered and their rows online."""
    name = f"p{uuid.uuid4().hex[:8]}"
    store = feast_repo.store(services, name)
    entities = {each: feast_repo.entity(each, given) for each, given in ENTITIES.items()}
    views = {}
    for view, own in VIEWS.items():
        properties = {"entities": own, "timestamp": "at", "ttl": "3h", "fields": TYPES}
        views[view] = feast_repo.feature_view(view, properties, entities, f"unused/{view}")
    every = feast_repo.feature_service("all", {"views": {view: list(TYPES) for view in VIEWS}}, views)
    store.apply([*entities.values(), *views.values(), every])
    for view, own in VIEWS.items():
        store.write_to_online_store(view, rows_of(view, own))
    return name


def read(runtime: Runtime, project: str, views: dict[str, list[str]], entities: list[dict[str, Any]]) -> Block:
    """One read."""

    async def once() -> Block:
        reader = OnlineReader(runtime, project)
        try:
            return await reader.read(features_of(views), entities)
        finally:
            await reader.close()

    return asyncio.run(once())


def asked() -> list[dict[str, Any]]:
    """Every combination of keys, known and not, and each again."""
    index = pd.MultiIndex.from_product([[*ORIGINS, "NOPE"], [*GATES, 99], [*CARRIERS, "ZZ"]])
    rows = [{"origin": o, "gate_no": int(g), "carrier": c} for o, g, c in index]
    return rows + rows[::-1]


def test_every_value_is_what_feast_answers(services: Runtime, project: str) -> None:
    entities = asked()
    block = read(services, project, VIEWS, entities)
    theirs = feast_repo.store(services, project).get_online_features(
        [f"{view}:{field}" for view in VIEWS for field in TYPES], entities, full_feature_names=True
    )
    expected = theirs.to_dict()
    columns = block.columns()
    assert set(columns) == set(expected)
    for name, values in expected.items():
        if isinstance(columns[name], list):
            assert columns[name] == values, name
        else:
            np.testing.assert_array_equal(columns[name], frames.normal({name: values})[name], err_msg=name)
    assert {name.rpartition("__")[2] for name in block.texts} == {"origin", "carrier", "s"}
    for view in VIEWS:
        known = theirs.to_dict(include_event_timestamps=True)[f"{view}__f__ts"]
        found = np.where(np.isnan(block.times[view]), 0, np.floor(block.times[view]))
        np.testing.assert_array_equal(found, known, err_msg=view)


def test_it_is_what_the_facade_answers_and_as_old_as_feast_lets_it_be(
    services: Runtime, project: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rows are of 2013 and their ttl is three hours: neither asks how old a row is that was materialized.
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(services.data_dir / "runtime.json"))
    entities = asked()[:20]
    facade = Features(project, "all")
    assert facade.now(entities) == asyncio.run(facade.anow(entities))
    theirs, block = frames.normal(facade.now(entities)), read(services, project, VIEWS, entities)
    pd.testing.assert_frame_equal(
        frames.normal(block.columns()).sort_index(axis=1), theirs.sort_index(axis=1), check_exact=True
    )
    assert not np.isnan(block.numbers[0]).all()


def test_times_are_of_the_row_to_the_microsecond_and_nan_where_nothing_is_known(
    services: Runtime, project: str
) -> None:
    block = read(services, project, {"weather": ["origin"]}, [{"origin": "JFK"}, {"origin": "NOPE"}])
    assert datetime.fromtimestamp(block.times["weather"][0], UTC) == NOON.to_pydatetime()
    assert np.isnan(block.times["weather"][1])
    assert (block.texts["weather__s"][1], np.isnan(block.numbers[1]).all()) == (None, True)
    assert block.numbers.shape == (2, 4)


def test_two_projects_do_not_see_each_other(services: Runtime, project: str) -> None:
    block = read(services, f"other_{project}", {"weather": ["origin"]}, [{"origin": "JFK"}])
    assert np.isnan(block.times["weather"]).all()


def test_an_integer_that_no_key_can_be_is_one_clear_line(services: Runtime, project: str) -> None:
    with pytest.raises(RuntimeProblem, match=r"entities: is no int64; got 9223372036854775808"):
        read(services, project, {"gates": ["gate"]}, [{"gate_no": 2**63}])


def test_no_feast_is_imported(services: Runtime, project: str) -> None:
    code = f"""
import asyncio, sys
from groundplan_runtime.config import Runtime
from groundplan_runtime.online import OnlineReader
features = {features_of({"weather": ["origin"]})!r}
block = asyncio.run(OnlineReader(Runtime.load(sys.argv[1]), {project!r}).read(features, [{{"origin": "JFK"}}]))
print(block.rows, [name for name in ("feast", "pandas", "mlflow", "pyarrow") if name in sys.modules])
"""
    command = [sys.executable, "-c", code, str(services.data_dir / "runtime.json")]
    done = subprocess.run(command, env={"PYTHONPATH": str(SERVING)}, capture_output=True, text=True, timeout=60)
    assert (done.stdout.strip(), done.stderr) == ("1 []", "")
