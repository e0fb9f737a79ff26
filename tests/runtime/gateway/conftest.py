"""The real gateway before services that remember what reached them, and an issuer whose keys the test holds."""

import json
import os
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from groundplan.gateway import Settings
from groundplan.local.folder import short_folder
from groundplan.local.launch._gateway import Files
from groundplan_runtime.config import Runtime
from tests.runtime.gateway.echo import Echo, Reached
from tests.support.clone import free_port_base
from tests.support.issuer import Issuer
from tests.support.local_stack import ROOT

PROJECTS = ("flights", "other")
SERVICES = ("identity", "controlplane", "mlflow", "ray", "serve", "feast")
SECRETS = {"gateway-token": "the-proof", "mlflow-token": "for-mlflow", "feast-token": "for-feast",
           "ray-token": "for-ray", "serving-token": "for-serving"}  # fmt: skip
KEYS = "/identity/jwks"


@dataclass
class Stage:
    """The gateway at ``url``, what is behind it, and who gives out its tokens."""

    settings: Settings
    files: Files
    issuer: Issuer
    services: dict[str, Echo]
    process: subprocess.Popen[bytes]
    http: httpx.Client = field(init=False)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=self.url, verify=self.trust(), trust_env=False, timeout=20)

    @property
    def url(self) -> str:
        """Where people reach it."""
        return f"https://localhost:{self.settings.port}"

    def trust(self) -> ssl.SSLContext:
        """A context that trusts the stack's authority and nobody else."""
        return ssl.create_default_context(cafile=str(self.files.tls / "ca.pem"))

    def ask(self, method: str, path: str, *roles: str, sub: str = "ana", **parts: object) -> httpx.Response:
        """Send a request with a token of these roles."""
        headers = {"Authorization": f"Bearer {self.issuer.token(sub, *roles)}", **parts.pop("headers", {})}  # type: ignore[dict-item]
        return self.http.request(method, path, headers=headers, **parts)  # type: ignore[arg-type]

    def reached(self) -> list[Reached]:
        """Return what reached any service since the last call."""
        found = [request for service in self.services.values() for request in service.reached]
        for service in self.services.values():
            service.reached.clear()
        return found

    def declare(self, settings: Settings) -> str | None:
        """Tell the running gateway something else, as `up` does."""
        self.settings = settings
        return self.files.declare(settings)


@pytest.fixture(scope="package")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A gateway of two projects; ``other/solo`` is a process of its own."""
    base = free_port_base()
    settings = _settings(base)
    runtime = _runtime(tmp_path_factory.mktemp("gateway") / "data")
    issuer = Issuer(settings.issuer)
    ports = {**settings.upstreams, "solo": settings.singles["other/solo"]}
    services = {name: Echo(name, int(address.split(":")[1])) for name, address in ports.items()}
    services["identity"].fixed[KEYS] = issuer.jwks()
    for service in services.values():
        service.start()
    process = _launch(runtime, base + 9)
    try:
        stage = Stage(settings, Files(runtime), issuer, services, process)
    except FileNotFoundError:
        process.kill()
        raise
    try:
        _await_admin(stage)
        assert stage.declare(settings) is None
        await_ok(stage)
        yield stage
    finally:
        process.terminate()
        process.wait(20)
        for service in services.values():
            service.stop()
        stage.files.socket.unlink(missing_ok=True)
        short_folder(runtime.stack_id).rmdir()


def _settings(base: int) -> Settings:
    upstreams = {name: f"127.0.0.1:{base + number}" for number, name in enumerate(SERVICES)}
    return Settings(
        port=base + 8, projects=PROJECTS, upstreams=upstreams, singles={"other/solo": f"127.0.0.1:{base + 6}"},
        issuer=f"https://localhost:{base + 8}/identity", jwks=f"http://{upstreams['identity']}{KEYS}",
    )  # fmt: skip


def _runtime(folder: Path) -> Runtime:
    (folder / "secrets").mkdir(parents=True)
    for name, text in SECRETS.items():
        (folder / "secrets" / name).write_text(text + "\n")
    document = {"stack": "test", "stack_id": f"gateway-{os.getpid()}", "data_dir": str(folder), "bucket": "b",
                "secrets_dir": str(folder / "secrets"), "endpoints": {}}  # fmt: skip
    (folder / "runtime.json").write_text(json.dumps(document))
    return Runtime.load(folder / "runtime.json")


def _launch(runtime: Runtime, port: int) -> subprocess.Popen[bytes]:
    """Start it as the supervisor does, and wait until its authority is there."""
    environment = {
        **os.environ,
        "GROUNDPLAN_RUNTIME": str(runtime.data_dir / "runtime.json"),
        "PYTHONPATH": f"{ROOT}/platform:{ROOT}/serving",
    }
    command = [sys.executable, "-m", "groundplan.local.launch.gateway", f"gateway_admin={port}"]
    with (runtime.data_dir / "gateway.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
    until(lambda: (runtime.data_dir / "gateway" / "bootstrap.json").exists(), "no gateway")
    return process


def _await_admin(stage: Stage) -> None:
    def ready() -> bool:
        try:
            return str(stage.files.ask("/ready")).strip() == "LIVE"
        except httpx.HTTPError:
            return False

    until(ready, "the gateway does not start")


def await_ok(stage: Stage) -> None:
    """Wait until the issuer's keys are there and every service is known to be well."""
    served = (f"/serve/{name}/healthz" for name in ("flights/delay", "other/solo"))
    paths = ["/v1/status", "/ray/", "/mlflow/", "/feast/flights/health", *served]
    until(lambda: all(stage.ask("GET", path, "*:platform_admin").is_success for path in paths), "services are not well")
    until(lambda: stage.http.get("/identity/x").is_success, "the issuer is not well")
    stage.reached()


def until(holds: object, trouble: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        if time.monotonic() > end:
            pytest.fail(trouble)
        time.sleep(0.05)
