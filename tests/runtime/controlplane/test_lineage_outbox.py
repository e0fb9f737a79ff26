"""Lineage to a declared Marquez: one that is down, one that refuses, and a control plane killed in the middle."""

import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa

from groundplan.controlplane.db.engine import make_engine
from tests.runtime.controlplane.test_resumed import Process
from tests.runtime.controlplane.told import declare, is_stored, until
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

ENTITY = {"join_key": "k", "type": "string", "description": ""}
SOURCE = {"kind": "csv", "path": "data/x.csv", "fields": {"k": "string"}, "code": "1"}


class Target:
    """A place that OpenLineage events are posted to, which a test starts, stops and makes hesitate."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.events: list[dict[str, Any]] = []
        #: Statuses of the next answers; 201 after them.
        self.answers: list[int] = []
        self.go = threading.Event()
        self.go.set()
        self.asked = threading.Event()
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Begin to listen."""
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                target.asked.set()
                target.go.wait()
                status = target.answers.pop(0) if target.answers else 201
                if status == 201:
                    target.events.append(event)
                try:
                    self.send_response(status)
                    self.end_headers()
                except OSError:  # who asked was killed meanwhile
                    return

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Listen no more."""
        self.go.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def jobs(self) -> list[str]:
        """What was told, in its order: job and state."""
        return [f"{each['job']['name']} {each['eventType']}" for each in self.events]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Target, Process]]:
    """A control plane of its own database, for which a Marquez is declared; that is down at first."""
    folder, base = tmp_path_factory.mktemp("sent"), free_port_base()
    target = Target(base + 95)
    stack = LocalStack(make_site(folder / "data", base, lineage=f"http://127.0.0.1:{base + 95}"), ["Database"])
    plane = None
    try:
        stack.up()
        (folder / "state").mkdir()
        plane = Process(Path(stack.site.folder) / "runtime.json", folder / "state")
        plane.start()
        plane.go("ingest")
        yield target, plane
    finally:
        if plane:
            plane.kill()
        target.stop()
        stack.down()


def _source(plane: Process, name: str) -> None:
    operation = declare(plane.http, "p", "data_source", name, SOURCE)
    assert operation
    until(lambda: plane.status(operation) == "succeeded", f"{name} is ingested")


def _standing(plane: Process) -> dict[str, Any]:
    return dict(plane.http.get("/v1/lineage/outbox").json())


def _is_over(plane: Process) -> bool:
    standing = _standing(plane)
    return bool(standing["to_store"] == standing["to_send"] == 0)


def test_a_dead_target_blocks_no_work_and_loses_nothing(target: tuple[Target, Process]) -> None:
    marquez, plane = target
    declare(plane.http, "p", "entity", "e", ENTITY)
    for name in ("s1", "s2"):
        _source(plane, name)
    until(lambda: is_stored(plane.http), "it is kept here")
    until(lambda: _standing(plane)["first"] is not None, "it was tried")
    assert _standing(plane)["to_send"] == 4
    assert "does not answer" in _standing(plane)["first"]["problem"]
    assert plane.http.get("/api/v1/namespaces/test.p/jobs").json()["totalCount"] == 2
    marquez.start()
    until(lambda: _is_over(plane), "all is sent")
    told = [f"data_source.{name} {state}" for name in ("s1", "s2") for state in ("START", "COMPLETE")]
    assert marquez.jobs() == told
    runs = {each["run"]["runId"] for each in marquez.events}
    assert len(runs) == 2, "begin and end of one work are one run"


def test_hesitation_is_waited_for_and_a_refusal_is_kept(target: tuple[Target, Process]) -> None:
    marquez, plane = target
    marquez.events.clear()
    marquez.answers += [503, 429, 422]
    _source(plane, "s3")
    until(lambda: _is_over(plane), "it is over")
    assert marquez.jobs() == ["data_source.s3 COMPLETE"]
    assert "answered 422" in _standing(plane)["refused"][0]["problem"]


def test_killed_in_the_middle_of_sending_all_of_it_arrives(target: tuple[Target, Process]) -> None:
    marquez, plane = target
    marquez.events.clear()
    marquez.asked.clear()
    marquez.go.clear()
    for name in ("s4", "s5", "s6"):
        _source(plane, name)
    assert marquez.asked.wait(60), "the first of them is on its way"
    plane.kill()
    marquez.go.set()
    plane.start()
    until(lambda: _is_over(plane), "all is sent")
    told = [f"data_source.{name} {state}" for name in ("s4", "s5", "s6") for state in ("START", "COMPLETE")]
    assert list(dict.fromkeys(marquez.jobs())) == told, "in its order; what was on its way may come twice"
    assert len(marquez.jobs()) <= len(told) + 1


def test_killed_between_the_work_and_its_telling(target: tuple[Target, Process]) -> None:
    """What happened is in the outbox in the transaction in which it happened: there is no moment between."""
    marquez, plane = target
    marquez.events.clear()
    for number in range(5):
        declare(plane.http, "p", "data_source", f"k{number}", SOURCE)
    plane.kill()
    with mock.patch.dict(os.environ, plane.runtime.environment()):
        engine = make_engine(plane.runtime)
        _nothing_is_missing(engine)
    plane.start()
    until(lambda: _is_over(plane), "all is sent")
    begun = [job for job in dict.fromkeys(marquez.jobs()) if job.endswith("START")]
    assert begun == [f"data_source.k{number} START" for number in range(5)]


def _nothing_is_missing(engine: sa.Engine) -> None:
    query = "SELECT count(*) FROM events e LEFT JOIN lineage_outbox o ON o.event = e.seq WHERE o.event IS NULL"
    with engine.connect() as connection:
        assert connection.exec_driver_sql(query).scalar_one() == 0
    engine.dispose()
