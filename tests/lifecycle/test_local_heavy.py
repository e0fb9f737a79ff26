"""MLflow and Ray as supervised processes: healthy, on loopback while they work, and back after a crash."""

import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from tests.support.clone import free_port_base
from tests.support.listening import assert_loopback_only
from tests.support.local_stack import LocalStack, make_site

from groundplan.local.portcheck import is_free
from groundplan.local.supervisor import Supervisor

pytestmark = pytest.mark.slow
DEADLINE = 240
APPLICATION = """\
from ray import serve

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Inner:
    def answer(self): return "inner"

@serve.deployment(ray_actor_options={"num_cpus": 0.1})
class Outer:
    def __init__(self, inner): self.inner = inner
    async def __call__(self, request): return await self.inner.answer.remote()

def build(args): return Outer.bind(Inner.bind())
"""
JOB = "import ray; ray.init(); print(ray.get(ray.remote(lambda: 'done').remote())); input()"


def eventually(check: Callable[[], bool], what: str) -> None:
    """Poll until ``check`` is true; fail after the deadline."""
    end = time.monotonic() + DEADLINE
    while not check():
        assert time.monotonic() < end, f"not within {DEADLINE} s: {what}"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """Everything but the control plane."""
    folder = tmp_path_factory.mktemp("heavy") / "data"
    parts = ("Database", "ObjectStore", "Tracking", "Ray")
    made = LocalStack(make_site(folder, free_port_base(), str(uuid.uuid4()), keep=False), parts)
    try:
        made.up()
        yield made
    finally:
        made.down()
        for process in made.processes():
            process.kill()


def client(stack: LocalStack) -> httpx.Client:
    """Ray's dashboard, with its token."""
    token = (stack.folder.secrets / "ray-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.Client(base_url=stack.site.endpoints["ray"], headers=headers, timeout=60)


def head(stack: LocalStack) -> tuple[int, int]:
    """The launcher of Ray's head and the head itself, 0 for what is down."""
    found = Supervisor(stack.folder).look("ray")
    if found is None or not found.up:
        return 0, 0
    try:
        children = [p.pid for p in psutil.Process(found.pid).children() if "start" in p.cmdline()]
    except psutil.NoSuchProcess:  # killed, and the supervisor has not noticed yet
        return 0, 0
    return found.pid, next(iter(children), 0)


def test_everything_runs(stack: LocalStack) -> None:
    assert stack.refresh() == set()


def test_mlflow_writes_rows_and_proxies_artifacts(stack: LocalStack) -> None:
    url = stack.site.endpoints["mlflow"]
    assert httpx.get(f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0", timeout=30).status_code == 401
    token = (Path(stack.site.folder) / "secrets/mlflow-token").read_text().strip()
    mlflow = httpx.Client(base_url=url, timeout=30, headers={"Authorization": f"Bearer {token}"})
    made = mlflow.post("/api/2.0/mlflow/experiments/create", json={"name": "one"}).json()
    location = mlflow.get("/api/2.0/mlflow/experiments/get", params=made).json()["experiment"]["artifact_location"]
    assert location.startswith("mlflow-artifacts:")
    path = "/api/2.0/mlflow-artifacts/artifacts/1/x.txt"
    assert mlflow.put(path, content=b"hello").status_code == 200
    assert mlflow.get(path).content == b"hello"


def test_ray_wants_its_token(stack: LocalStack) -> None:
    assert httpx.get(f"{stack.site.endpoints['ray']}/api/jobs/", timeout=30).status_code == 401
    assert client(stack).get("/api/jobs/").status_code == 200


def test_nothing_listens_beyond_loopback_while_a_job_and_replicas_work(stack: LocalStack, tmp_path: Path) -> None:
    _serve(stack, tmp_path)
    entrypoint = f"sleep 600 | {stack.site.python} -c {shlex.quote(JOB)}"
    client(stack).post("/api/jobs/", json={"entrypoint": entrypoint, "submission_id": "one"}).raise_for_status()
    eventually(lambda: "done" in client(stack).get("/api/jobs/one/logs").json()["logs"], "the job has used a worker")
    assert_loopback_only(stack.processes())
    client(stack).post("/api/jobs/one/stop").raise_for_status()


def _serve(stack: LocalStack, folder: Path) -> None:
    (folder / "tried.py").write_text(APPLICATION)
    environment = {"env_vars": {"PYTHONPATH": f"{folder}:{stack.site.environment['PYTHONPATH']}"}}
    application = {"name": "a", "route_prefix": "/a", "import_path": "tried:build", "runtime_env": environment}
    client(stack).put("/api/serve/applications/", json={"applications": [application]}).raise_for_status()
    url = f"{stack.site.endpoints['serve']}/a"
    eventually(
        lambda: httpx.get(url, timeout=30).text == "inner", "the application answers where the proxy should listen"
    )


@pytest.mark.parametrize("victim", ["launcher", "head"])
def test_a_killed_head_comes_back_with_serve(stack: LocalStack, victim: str) -> None:
    before = head(stack)
    psutil.Process(before[0] if victim == "launcher" else before[1]).kill()
    eventually(lambda: 0 not in head(stack) and not {*head(stack)} & {*before}, "launcher and head run again")
    eventually(lambda: "ray" not in stack.refresh(), "Ray and Serve are healthy")
    assert_loopback_only(stack.processes())


def test_down_leaves_nothing(stack: LocalStack) -> None:
    stack.down()
    assert stack.processes() == []
    assert all(is_free(port) for port in stack.site.ports.values())
    assert not stack.folder.root.exists()
    assert not stack.folder.short.exists()
