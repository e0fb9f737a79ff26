"""The real platform under the load test, and the hands that move, break and change it."""

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from groundplan.controlplane.ray_dashboard import Dashboard
from groundplan_runtime.config import Runtime
from tests.load.answers import Flip
from tests.load.generator import until
from tests.support.clone import Clone, make_clone

PROJECT, MODEL, ALIAS = "marked", "mark", "production"
DECLARATION = f"projects/{PROJECT}/project.yaml"
RIVAL = "by-alias"
SERVE = "/api/serve/applications/"
#: Seconds that a new replica may take: a process, its imports, and both versions' load time.
RECOVERY = 120.0


@dataclass(frozen=True)
class Replica:
    """One replica process as Serve tells it."""

    deployment: str
    id: str
    pid: int | None
    state: str


@dataclass
class Stage:
    """A clone whose local stack runs the project ``marked``."""

    clone: Clone

    def declare(self, pattern: str, replacement: str) -> None:
        """Edit the project's YAML."""
        self.clone.edit(DECLARATION, pattern, replacement)

    def declare_version(self, number: int) -> None:
        """Edit what makes the next training make another pair: each half gets another mark."""
        self.declare(r"holdout: \d+d", f"holdout: {number}d")
        self.declare(r"\{mark: \d+,", f"{{mark: {number},")

    def up(self) -> None:
        """Run ``groundplan up``."""
        self.clone.groundplan("up", "local")

    # -- the alias ----------------------------------------------------------------------------------------------------

    def move(self, version: int, what: str, *, warm: bool, disturbed: bool = False) -> Flip:
        """Move the alias by hand and wait until the control plane says that it is done."""
        return self._flip(":move", {"version": version, "reason": what}, what, warm, disturbed)

    def release(self, what: str, *, warm: bool) -> Flip:
        """Release the alias: it follows its rule again."""
        return self._flip(":release", {}, what, warm, False)

    def begin_move(self, version: int, what: str) -> str:
        """Ask for a move and return its operation."""
        body = {"version": version, "reason": what}
        return str(self._control("POST", f"/projects/{PROJECT}/aliases/{MODEL}@{ALIAS}:move", body)["operation"])

    def _flip(self, verb: str, body: dict[str, Any], what: str, warm: bool, disturbed: bool) -> Flip:
        asked = time.time()
        operation = self._control("POST", f"/projects/{PROJECT}/aliases/{MODEL}@{ALIAS}{verb}", body)["operation"]
        return self.ended(operation, asked, what, warm=warm, disturbed=disturbed)

    def ended(self, operation: str, asked: float, what: str, *, warm: bool, disturbed: bool = False) -> Flip:
        """Wait for a move's end and return it."""
        until(lambda: self.operation(operation)["status"] != "running", f"{what} ends", RECOVERY)
        found = self.operation(operation)
        done = time.time()
        assert found["status"] == "succeeded", found
        moved = self.moves()[-1]
        at = datetime.fromisoformat(moved["at"]).timestamp()
        return Flip(what, moved["from_version"], moved["to_version"], asked, at, done, warm, disturbed)

    def operation(self, id: str) -> dict[str, Any]:
        """Return an operation and what it told; ``{"status": "running"}`` while the control plane does not answer."""
        try:
            return self._control("GET", f"/operations/{quote(id, safe='')}")
        except httpx.TransportError:
            return {"status": "running", "messages": []}

    def moves(self) -> list[dict[str, Any]]:
        """Return the history of the alias under test, oldest first."""
        moves = self._control("GET", f"/registry/models/{PROJECT}/{MODEL}/history")["moves"]
        return [move for move in moves if move["alias"] == ALIAS]

    def healthy(self) -> bool:
        """Whether the control plane answers and is well."""
        try:
            return self._http.get("/healthz").status_code == 200
        except httpx.TransportError:
            return False

    @cached_property
    def _http(self) -> httpx.Client:
        token = (self.folder / "secrets/controlplane-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}"}
        url = self.runtime.endpoint("controlplane")
        return httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False)

    def _control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        answer = self._http.request(method, f"/v1{path}", json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return dict(answer.json())

    # -- processes ----------------------------------------------------------------------------------------------------

    def replicas(self, deployment: str | None = None) -> list[Replica]:
        """Return the replicas of our application."""
        found = self._serve()
        names = [name for name in found if name.startswith(f"{PROJECT}-{MODEL}")]
        return [
            Replica(each, r["replica_id"], r.get("pid"), r["state"])
            for name in names
            for each, told in found[name]["deployments"].items()
            for r in told["replicas"]
            if deployment in (None, each)
        ]

    def running(self, deployment: str) -> list[Replica]:
        """Return those replicas of a tier that take requests."""
        return [replica for replica in self.replicas(deployment) if replica.state == "RUNNING" and replica.pid]

    def deployments(self) -> list[str]:
        """Return the names of our application's tiers, in alphabetical order."""
        return sorted({replica.deployment for replica in self.replicas()})

    def kill_replica(self, deployment: str) -> Callable[[], bool]:
        """SIGKILL one replica; return what tells whether there are as many running ones as before again."""
        before = self.running(deployment)
        victim = before[0]
        os.kill(victim.pid or 0, signal.SIGKILL)

        def back() -> bool:
            now = self.running(deployment)
            return len(now) >= len(before) and victim.id not in {replica.id for replica in now}

        return back

    def kill_control_plane(self) -> None:
        """SIGKILL the control plane; its supervisor starts it again."""
        victims = [p for p in self.clone.processes() if "groundplan.controlplane" in p.cmdline()]
        assert victims, "no control plane runs"
        for victim in victims:
            victim.kill()

    # -- where things are ---------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """The prediction route of our application."""
        return f"{self.runtime.endpoint('serve')}/{PROJECT}/{MODEL}/predict/feast/batch"

    @property
    def shown(self) -> dict[str, str]:
        """What the application wants to see of those who do not come through the gateway."""
        return {"X-Groundplan-Gateway": self.runtime.secret("serving-token")}

    @property
    def folder(self) -> Path:
        """The stack's data folder."""
        return self.clone.path / ".groundplan/local"

    @cached_property
    def runtime(self) -> Runtime:
        """The stack's runtime configuration."""
        return Runtime.load(self.folder / "runtime.json")

    @cached_property
    def _ray(self) -> Dashboard:
        return Dashboard(self.runtime)

    def _serve(self) -> dict[str, Any]:
        """Return what Serve says of every application."""
        return dict(self._ray.ask("GET", SERVE).json()["applications"])

    @contextmanager
    def rival(self) -> Iterator[str]:
        """Deploy the same pairs behind tiers that load by alias, on the same Ray; yield its prediction route."""
        code = next((self.folder / "code").iterdir())
        args = {"project": PROJECT, "feature_service": "marks", "model": f"{PROJECT}_{MODEL}", "alias": ALIAS}
        told = {
            "name": RIVAL,
            "route_prefix": f"/{RIVAL}",
            "import_path": "by_alias:build",
            "args": args,
            "runtime_env": {"env_vars": {"PYTHONPATH": f"{code}:{self.clone.path / 'tests/load'}"}},
        }
        self._put([told])
        try:
            until(lambda: self._serve()[RIVAL]["status"] == "RUNNING", f"{RIVAL} runs", RECOVERY)
            yield f"{self.runtime.endpoint('serve')}/{RIVAL}"
        finally:
            self._put([])

    def _put(self, beside: list[dict[str, Any]]) -> None:
        """Serve takes all applications at once: ours as they are, and those beside them."""
        ours = [each["deployed_app_config"] for name, each in self._serve().items() if name != RIVAL]
        port = urlsplit(self.runtime.endpoint("serve")).port
        http = {"host": "127.0.0.1", "port": port}
        body = {"proxy_location": "HeadOnly", "http_options": http, "applications": [*ours, *beside]}
        answer = self._ray.ask("PUT", SERVE, body)
        assert answer.is_success, answer.text


@contextmanager
def opened(folder: Path) -> Iterator[Stage]:
    """Clone HEAD into ``folder``, bring it up with the project ``marked``; stop everything at the end."""
    # A run that is told to end cleans up as one that is interrupted does.
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    clone = make_clone(folder)
    try:
        shutil.copytree(clone.path / "tests/load" / PROJECT, clone.path / "projects" / PROJECT)
        clone.declare_only(PROJECT)
        # Room for a training beside all replicas, those of the rival and those that are added.
        clone.edit("stacks/local.yaml", r"cpus: \d+", "cpus: 8")
        clone.run("make", "up")
        yield Stage(clone)
    finally:
        clone.stop()
        shutil.rmtree(clone.path, ignore_errors=True)
        signal.signal(signal.SIGTERM, before)
