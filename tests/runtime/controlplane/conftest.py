"""A control plane on a real PostgreSQL, with its other services in memory."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from groundplan.controlplane.app import make_app
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import make_engine
from groundplan.plan import digest_of
from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.doubles import (
    MemoryFeast,
    MemoryJobs,
    MemoryMlflow,
    MemoryObjects,
    MemoryServe,
    MemorySingles,
)
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

DEADLINE = 60
TIER = {"replicas": 1, "cpus": 0.1, "gpus": 0, "max_ongoing": 32, "max_queued": 128, "target": {}}


def application(model: str = "m", name: str = "a", **more: Any) -> dict[str, Any]:
    """What a plan says of a serving application."""
    tiers = {tier: dict(TIER) for tier in ("api", "features", "preprocessing", "model")}
    given = {"model": model, "topology": "tiered", "traffic": {"production": 100.0}, "sticky": [], "shadow": []}
    return {**given, "tiers": tiers, "max_batch": 10, "timeout": "5s", "route": f"/p/{name}", **more}


@dataclass
class Plane:
    """The control plane under test: its HTTP client and the stand-ins behind it."""

    http: TestClient
    platform: Any

    def put(
        self, kind: str, name: str, properties: dict[str, Any], upstream: dict[str, str] | None = None, **more: Any
    ) -> Any:
        """Declare a resource of project ``p`` as the provider does; its digest is that of its properties."""
        digest = digest_of([kind, properties, upstream])
        body = {"digest": digest, "data_digest": digest, "properties": properties, "upstream": upstream or {}, **more}
        return self.http.put(f"/v1/projects/p/resources/{kind}/{name}", json=body)

    def made(
        self, kind: str, name: str, properties: dict[str, Any], upstream: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """The same, and wait until it is done."""
        answer = self.put(kind, name, properties, upstream)
        assert answer.status_code in (200, 202), answer.text
        operation = answer.json().get("operation")
        return self.ended(operation)["resource"] if operation else answer.json()["resource"]

    def ended(self, operation: str) -> dict[str, Any]:
        """Follow an operation to its end."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            found = self.http.get(f"/v1/operations/{operation}?after=1000000&wait=1").json()
            if found["status"] != "running":
                return dict(found)
        pytest.fail(f"{operation} did not end within {DEADLINE} s")

    def look(self, kind: str, name: str) -> Any:
        """What is really there."""
        return self.http.get(f"/v1/projects/p/resources/{kind}/{name}")


@pytest.fixture(scope="package")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    """PostgreSQL, the object store and the online store, of the local stack's own kind."""
    stack = LocalStack(
        make_site(tmp_path_factory.mktemp("cp") / "data", free_port_base()), ["Database", "ObjectStore", "OnlineStore"]
    )
    try:
        stack.up()
        runtime = Runtime.load(Path(stack.site.folder) / "runtime.json")
        with mock.patch.dict(os.environ, runtime.environment()):
            yield runtime
    finally:
        stack.down()


@pytest.fixture(scope="package")
def new_database(database: Runtime) -> Iterator[Callable[[], sa.Engine]]:
    """Makes an empty database, and returns its engine as the control plane makes it."""
    server = database.endpoint("database")
    admin = sa.create_engine(f"postgresql+psycopg://postgres@{server}/postgres", isolation_level="AUTOCOMMIT")
    made: list[sa.Engine] = []

    def make() -> sa.Engine:
        name = f"empty_{len(made)}"
        with admin.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {name} OWNER controlplane"))
        made.append(make_engine(database, name))
        return made[-1]

    yield make
    for engine in (*made, admin):
        engine.dispose()


@pytest.fixture(scope="package")
def plane(database: Runtime) -> Iterator[Plane]:
    """One control plane for the tier: DBOS keeps one a process."""
    objects = MemoryObjects()
    parts = (objects, MemoryFeast(), MemoryMlflow(), MemoryJobs(objects), MemoryServe(), MemorySingles())
    platform: Any = Platform(database, make_engine(database), *parts)  # type: ignore[arg-type]
    token = database.secret("controlplane-token")
    with TestClient(make_app(platform), raise_server_exceptions=False) as http:
        http.headers["Authorization"] = f"Bearer {token}"
        yield Plane(http, platform)
        # Whatever the tests of the tier did: the trail is whole, and tells every row.
        assert http.get("/v1/audit/verify").json()["fault"] is None
        rebuilt = http.get("/v1/audit/rebuild").json()
        assert rebuilt.get("differences") == [], rebuilt
