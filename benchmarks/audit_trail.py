"""What the chain costs a write (resource and event in one transaction), one writer and eight, and how long proof takes.

Beside it the same writes with their events unchained, as they were before: on one PostgreSQL, taking turns.
"""

import json
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import sqlalchemy as sa
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

from groundplan.controlplane import store
from groundplan.controlplane.audit import chain, replay
from groundplan.controlplane.audit.verify import verify
from groundplan.controlplane.db.engine import make_engine, migrate
from groundplan.controlplane.store import Actor, Resource
from groundplan_runtime.config import Runtime

WRITES, ROUNDS = 400, 3
ANN = Actor("ann", "a benchmark")
#: As large as a model's declaration with its outputs.
PROPERTIES = {f"property_{each}": {"value": each, "text": "x" * 40} for each in range(30)}
PLAIN = sa.text("INSERT INTO plain (actor, action, after) VALUES ('ann', 'declare', CAST(:after AS jsonb))")


def chained(engine: sa.Engine, name: str) -> None:
    """One write as the control plane does it."""
    with engine.begin() as connection:
        store.declare(connection, Resource("p", "model", name, "d" * 16, "d" * 16, PROPERTIES, {}), ANN)


def plain(engine: sa.Engine, name: str) -> None:
    """The same, its event in a table without a chain."""
    with engine.begin() as connection:
        store.declare(connection, Resource("p", "model", name, "d" * 16, "d" * 16, PROPERTIES, {}), ANN)
        gathered = connection.info.pop(chain.GATHERED)
        connection.execute(PLAIN, [{"after": json.dumps(event["after"])} for event in gathered])


def rate(write: Callable[[sa.Engine, str], None], engine: sa.Engine, writers: int) -> float:
    """Writes a second, each writer on resources of its own."""
    began = time.perf_counter()
    with ThreadPoolExecutor(writers) as pool:
        list(pool.map(lambda each: write(engine, f"m{each}"), range(WRITES)))
    return WRITES / (time.perf_counter() - began)


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(make_site(Path(folder) / "data", free_port_base()), ["Database"])
        try:
            stack.up()
            runtime = Runtime.load(Path(stack.site.folder) / "runtime.json")
            os.environ.update(runtime.environment())
            _measure(make_engine(runtime))
        finally:
            stack.down()


def _measure(engine: sa.Engine) -> None:
    migrate(engine)
    for writers in (1, 8):
        rates = [rate(chained, engine, writers) for _ in range(ROUNDS)]
        print(f"{writers} writers, chained: {max(rates):.0f} writes/s")
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE resources DISABLE TRIGGER resources_needs_event"))
        connection.execute(
            sa.text("CREATE TABLE plain (seq bigserial PRIMARY KEY, actor text, action text, after jsonb)")
        )
    for writers in (1, 8):
        rates = [rate(plain, engine, writers) for _ in range(ROUNDS)]
        print(f"{writers} writers, unchained: {max(rates):.0f} writes/s")
    with engine.connect() as connection:
        began = time.perf_counter()
        report = verify(connection, [])
        took = time.perf_counter() - began
        print(f"verify: {report.events} events in {took:.1f} s, {report.events / took:.0f}/s, {report.fault}")
        began = time.perf_counter()
        replay.rebuilt(connection)
        print(f"rebuild: {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
