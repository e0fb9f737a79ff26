"""Killed in the middle of long work, the control plane goes on with it when it is back: nothing done is done twice."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.test_api import SOURCE, VIEW
from tests.support.clone import ROOT, free_port_base
from tests.support.local_stack import LocalStack, make_site

DEADLINE = 60


class Process:
    """The control plane as a process, and a client of it."""

    def __init__(self, runtime_file: Path, folder: Path) -> None:
        self.runtime = runtime = Runtime.load(runtime_file)
        paths = os.pathsep.join(str(ROOT / part) for part in ("platform", "components", "serving", "."))
        self.folder, self._env = folder, {**os.environ, "GROUNDPLAN_RUNTIME": str(runtime_file), "PYTHONPATH": paths}
        token = {"Authorization": f"Bearer {runtime.secret('controlplane-token')}"}
        self.http = httpx.Client(base_url=runtime.endpoint("controlplane"), headers=token, timeout=30)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is healthy."""
        command = [sys.executable, "-m", "tests.runtime.controlplane.killable", str(self.folder)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self._env)
        until(self._healthy, "it is healthy")

    def _healthy(self) -> bool:
        assert self.process
        assert self.process.poll() is None, "it ended"
        try:
            return self.http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        """SIGKILL: no handler runs."""
        if self.process:
            self.process.kill()
            self.process.wait()

    def put(self, kind: str, name: str, properties: dict[str, Any]) -> dict[str, Any]:
        """Declare a resource of project ``p``."""
        body = {"digest": "0" * 16, "data_digest": "0" * 16, "properties": properties}
        answer = self.http.put(f"/v1/projects/p/resources/{kind}/{name}", json=body)
        assert answer.status_code in (200, 202), answer.text
        return dict(answer.json())

    def status(self, operation: str) -> str:
        """How an operation stands."""
        return str(self.http.get(f"/v1/operations/{operation}").json()["status"])

    def ran(self) -> list[str]:
        """All pieces of work that were begun."""
        file = self.folder / "ran"
        return file.read_text().split() if file.exists() else []

    def go(self, piece: str) -> None:
        """Let a piece of work end."""
        (self.folder / f"go-{piece}").touch()


def until(check: Callable[[], bool], what: str) -> None:
    """Poll until ``check`` is true; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """A control plane with a database of its own."""
    folder = tmp_path_factory.mktemp("killed")
    stack = LocalStack(make_site(folder / "data", free_port_base()), ["Database"])
    plane = None
    try:
        stack.up()
        (folder / "state").mkdir()
        plane = Process(Path(stack.site.folder) / "runtime.json", folder / "state")
        plane.start()
        yield plane
    finally:
        if plane:
            plane.kill()
        stack.down()


def test_work_goes_on_where_it_was_killed(plane: Process) -> None:
    plane.put("entity", "e", {"join_key": "k", "type": "string", "description": ""})
    plane.go("ingest")
    source = plane.put("data_source", "s", SOURCE)["operation"]
    until(lambda: plane.status(source) == "succeeded", "the source is ingested")
    view = plane.put("feature_view", "v", VIEW)["operation"]
    until(lambda: "features" in plane.ran(), "the view is being built")
    plane.go("features")
    until(lambda: "apply" in plane.ran(), "the second step is at work")
    plane.kill()
    plane.start()
    assert plane.put("feature_view", "v", VIEW)["operation"] == view, "asking again joins it"
    until(lambda: plane.ran().count("apply") == 2, "the step that was cut off runs again")
    plane.go("apply")
    until(lambda: plane.status(view) == "succeeded", "it ends")
    assert plane.ran() == ["ingest", "features", "apply", "apply"]
