"""How long "what breaks if I change this" takes with many models, on a real PostgreSQL: ``make bench-impact``.

Writes projects of models into the lineage of a control plane's own tables, by the same function that events are written
with, then asks for the impact of one raw column that half of them read.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest import mock

import sqlalchemy as sa
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

from groundplan.controlplane.db.engine import make_engine, migrate
from groundplan.controlplane.db.tables import resources
from groundplan.controlplane.lineage import graphs, now
from groundplan.controlplane.lineage.ingest import ingest
from groundplan.controlplane.lineage.naming import stable_uuid
from groundplan_runtime.config import Runtime

#: Columns of the raw table, of a view, and views a model reads.
COLUMNS, FIELDS, VIEWS = 20, 10, 3


def story(models: int, stack: str = "test") -> Iterator[dict[str, Any]]:
    """Yield the events of ``models`` models of one raw table: half as many views; each is served."""
    namespace = f"{stack}.big"
    raw = {f"c{n}": None for n in range(COLUMNS)}
    yield _event(namespace, "data_source.raw", [], raw, {})
    views = max(models // 2, VIEWS)
    for view in range(views):
        # Even views read the first column, odd ones do not.
        fields = {f"f{n}": (f"c{(2 * n + view % 2) % COLUMNS}",) for n in range(FIELDS)}
        columns = {name: [("data_source.raw", c) for c in read] for name, read in fields.items()}
        yield _event(namespace, f"feature_view.v{view}", ["data_source.raw"], columns, columns)
    for model in range(models):
        # A model reads views of one parity: half of all depend on the first column.
        read = [f"feature_view.v{(model + 2 * n) % (views - views % 2)}" for n in range(VIEWS)]
        made = {"prediction": [(view, f"f{n}") for view in read for n in range(FIELDS)]}
        yield _event(namespace, f"model.m{model}", sorted(set(read)), made, made)
        chain = ("model.m", "pair.m", "alias.m", "serving_application.m")
        for before, after in pairwise(chain):
            source = f"{before}{model}" + ("@production" if before == "alias.m" else "")
            target = f"{after}{model}" + ("@production" if after == "alias.m" else "")
            one = {"prediction": [(source, "prediction")]}
            yield _event(namespace, target, [source], one, one)


def _event(
    namespace: str, name: str, inputs: list[str], fields: dict[str, Any], columns: dict[str, list[tuple[str, str]]]
) -> dict[str, Any]:
    made = {
        column: {"inputFields": [{"namespace": namespace, "name": n, "field": f} for n, f in read]}
        for column, read in columns.items()
    }
    schema = {"schema": {"fields": [{"name": field, "type": "float64"} for field in fields]}}
    facets = {**schema, **({"columnLineage": {"fields": made}} if made else {})}
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-01-01T00:00:00Z",
        "producer": "https://example.org/benchmark",
        "run": {"runId": stable_uuid(namespace, name)},
        "job": {"namespace": namespace, "name": name},
        "inputs": [{"namespace": namespace, "name": each} for each in inputs],
        "outputs": [{"namespace": namespace, "name": name, "facets": facets}],
    }


def write(engine: sa.Engine, models: int) -> int:
    """Write the story; return how many events it is."""
    events = list(story(models))
    for first in range(0, len(events), 500):
        with engine.begin() as connection:
            for event in events[first : first + 500]:
                ingest(connection, event)
    return len(events)


def declare(engine: sa.Engine, models: int) -> None:
    """Write the same as declared resources: what an answer tells of how things stand."""
    views = max(models // 2, VIEWS)
    raw = {"fields": {f"c{n}": "float64" for n in range(COLUMNS)}}
    fields = {"entities": [], "timestamp": "t", "fields": {f"f{n}": "float64" for n in range(FIELDS)}}
    rows = [("project", "big", {"team": "core", "owner": "ana@example.org"}), ("data_source", "raw", raw)]
    rows += [("feature_view", f"v{n}", fields) for n in range(views)]
    for n in range(models):
        rows += [("model", f"m{n}", {"retrain": "on_change"}), ("alias", f"m{n}@production", {"model": f"m{n}"})]
        rows += [("serving_application", f"m{n}", {"model": f"m{n}"})]
    digests = {
        "digest": "d",
        "data_digest": "d",
        "upstream": {},
        "outputs": {"version": 1, "serves": 1},
        "status": "ready",
    }
    values = [{"project": "big", "kind": k, "name": n, "properties": p, **digests} for k, n, p in rows]
    with engine.begin() as connection:
        # Thousands of rows that nobody declared: none has an event of its own.
        connection.execute(sa.text("ALTER TABLE resources DISABLE TRIGGER resources_needs_event"))
        connection.execute(sa.insert(resources), values)


def ask(engine: sa.Engine, node: str) -> dict[str, Any]:
    """Return what `GET /v1/impact` answers: everything is read anew, as a request does."""
    with engine.connect() as connection:
        return now.impact(connection, "test", node)


def measure(engine: sa.Engine, models: int, rounds: int) -> dict[str, Any]:
    """Return the figures of one size."""
    begun = time.perf_counter()
    events = write(engine, models)
    written = time.perf_counter() - begun
    declare(engine, models)
    took = []
    reached: dict[str, Any] = {}
    for _ in range(rounds):
        begun = time.perf_counter()
        reached = ask(engine, "raw.c0")
        took.append(time.perf_counter() - begun)
    begun = time.perf_counter()
    with engine.connect() as connection:
        graph = graphs.lineage(connection, "dataset:test.big:data_source.raw", 20)["graph"]
    whole = time.perf_counter() - begun
    return {
        "models": models,
        "events": events,
        "seconds to write": round(written, 2),
        "models reached": len(reached["touched"]["models"]),
        "endpoints reached": len(reached["touched"]["applications"]),
        "impact, median of seconds": round(statistics.median(took), 3),
        "impact, worst of seconds": round(max(took), 3),
        "GET /api/v1/lineage, depth 20, seconds": round(whole, 3),
        "nodes of that graph": len(graph),
    }


@contextmanager
def database() -> Iterator[sa.Engine]:
    """A PostgreSQL of its own, with the control plane's tables."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(make_site(Path(folder) / "data", free_port_base()), ["Database"])
        try:
            stack.up()
            runtime = Runtime.load(Path(stack.site.folder) / "runtime.json")
            with mock.patch.dict(os.environ, runtime.environment()):
                engine = make_engine(runtime)
                migrate(engine)
                yield engine
                engine.dispose()
        finally:
            stack.down()


def main() -> None:
    """Measure and print the figures as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--models", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=10)
    given = options.parse_args()
    with database() as engine:
        print(json.dumps(measure(engine, given.models, given.rounds), indent=2))


if __name__ == "__main__":
    main()
