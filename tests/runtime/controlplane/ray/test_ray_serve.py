"""Applications on a real Serve: put, flipped live, scaled live, refused, kept when another one goes."""

from pathlib import Path
from typing import Any

import httpx
import mlflow
import pytest

from groundplan.controlplane.adapters.ray_serve import RayServe
from groundplan.controlplane.rules.serve_config import Pair, Wish, application_config, live_config
from groundplan.errors import ServiceError
from tests.runtime.controlplane.ray.conftest import RayStack
from tests.support.clone import SPAN
from tests.support.listening import assert_loopback_only, listeners

pytestmark = pytest.mark.slow
DEADLINE = 240.0
HALF = """\
import mlflow

class Half(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return {result}

mlflow.models.set_model(Half())
"""
FEATURES = {
    "name": "f",
    "views": {"v": {"join_keys": {"origin": "string"}, "fields": {"a": "float64"}}},
    "entities": {"origin": {"join_key": "origin", "type": "string"}},
}
TIER = {"replicas": 1, "cpus": 0.1, "gpus": 0, "max_ongoing": 32, "max_queued": 128, "target": {}}


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Two pair versions on disk; version n multiplies by n."""
    folder = tmp_path_factory.mktemp("pairs")
    found = {}
    for version in (1, 2):
        uris = {"preprocessor": 'model_input[["v__a"]]', "model": f"model_input.iloc[:, 0] * {version}"}
        for half, result in uris.items():
            source = folder / f"{half}{version}.py"
            source.write_text(HALF.format(result=result))
            mlflow.pyfunc.save_model(folder / f"{half}_{version}", python_model=str(source))
        found[str(version)] = {half: str(folder / f"{half}_{version}") for half in uris}
    return found


class Toy:
    """An application under test."""

    def __init__(self, ray_stack: RayStack, pairs: dict[str, dict[str, str]], name: str = "a") -> None:
        self.serve, self.pairs, self.name = RayServe(ray_stack.runtime), pairs, name
        self.url = f"{ray_stack.runtime.endpoint('serve')}/t/{name}"
        self.proof = {"X-Groundplan-Gateway": ray_stack.runtime.secret("serving-token")}
        self.said: list[str] = []

    def config(self, versions: list[int], active: int, replicas: int = 1, shape: str = "s1") -> dict[str, Any]:
        """What Serve would be told."""
        tiers = {tier: TIER for tier in ("api", "features", "preprocessing")} | {"model": TIER | {"replicas": replicas}}
        given = {"topology": "tiered", "model": "m", "traffic": {"production": 100.0}, "max_batch": 10, "tiers": tiers}
        wish = Wish("t", self.name, shape, given, 20.0)
        pairs = {v: Pair(**self.pairs[str(v)], features=FEATURES) for v in versions}
        live = live_config(wish, {"production": active}, pairs, versions)
        told = application_config(wish, live, f"t-{self.name}", f"/t/{self.name}")
        return told | {"import_path": "toy_application:build"}

    def up(self, versions: list[int], active: int, replicas: int = 1) -> None:
        """Put it and wait."""
        self.serve.put(self.config(versions, active, replicas))
        self.serve.wait_running(f"t-{self.name}", DEADLINE, self.said.append)

    def ask(self) -> tuple[int, float]:
        """Which version answers, and what."""
        url, body = f"{self.url}/predict/feast/batch", {"entities": [{"origin": "JFK"}]}
        answer = httpx.post(url, json=body, headers=self.proof, timeout=30)
        assert answer.status_code == 200, f"{answer.status_code}: {answer.text}"
        told = answer.json()
        return told["model_version"], told["predictions"][0]["value"]

    def replicas(self) -> dict[str, set[str]]:
        """The ids of the replicas by deployment."""
        found = self.serve._details()[f"t-{self.name}"]["deployments"]
        return {name: {r["replica_id"] for r in each["replicas"]} for name, each in found.items()}


@pytest.fixture(scope="module")
def toy(ray_stack: RayStack, pairs: dict[str, dict[str, str]]) -> Toy:
    """The first application, running version 1."""
    made = Toy(ray_stack, pairs)
    assert made.serve.observe("t-a") is None
    made.serve.delete("t-a")
    made.up([1], 1)
    return made


def test_it_runs_and_is_observed_as_it_was_put(toy: Toy, ray_stack: RayStack) -> None:
    assert toy.ask() == (1, 2.0)
    found = toy.serve.observe("t-a")
    assert found is not None
    assert found["status"] == "RUNNING"
    assert found["config"] == toy.config([1], 1)
    assert {each["status"] for each in found["deployments"].values()} == {"HEALTHY"}
    assert_loopback_only(ray_stack.stack.processes())
    assert_ports_of_its_own(ray_stack)


def assert_ports_of_its_own(ray_stack: RayStack) -> None:
    """A fixed port that every stack has would lead one stack's requests to another."""
    base = int(ray_stack.runtime.endpoint("database").rpartition(":")[2])
    own = range(base, base + SPAN)
    first_ephemeral = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    listening = listeners(ray_stack.stack.processes())
    assert [each for each in listening if each[1] not in own and each[1] < first_ephemeral] == []


def test_a_flip_and_more_replicas_are_live_and_restart_nothing(toy: Toy) -> None:
    toy.up([1], 1)
    before = toy.replicas()
    for versions, active in (([1, 2], 1), ([1, 2], 2)):
        toy.up(versions, active)
        assert toy.ask() == (active, 2.0 * active)
    assert toy.replicas() == before
    toy.up([1, 2], 2, replicas=2)
    after = toy.replicas()
    assert len(after["ModelService"]) == 2
    assert before["ModelService"] < after["ModelService"]
    assert {k: v for k, v in after.items() if k != "ModelService"} == {
        k: v for k, v in before.items() if k != "ModelService"
    }
    toy.up([1, 2], 2)


def test_what_cannot_be_built_fails_in_one_line_and_harms_no_other(toy: Toy, ray_stack: RayStack) -> None:
    broken = Toy(ray_stack, toy.pairs, "b")
    broken.serve.put(broken.config([1], 1, shape="broken"))
    with pytest.raises(ServiceError, match="cannot be built") as caught:
        broken.serve.wait_running("t-b", DEADLINE, broken.said.append)
    assert "\n" not in str(caught.value)
    assert toy.ask()[0] in (1, 2)
    broken.serve.delete("t-b")
    broken.serve.delete("t-b")
    assert toy.ask()[0] in (1, 2)


def test_a_half_that_cannot_be_loaded_is_told_with_its_deployment(
    toy: Toy, ray_stack: RayStack, tmp_path: Path
) -> None:
    lost = {"1": {"preprocessor": toy.pairs["1"]["preprocessor"], "model": str(tmp_path / "nowhere")}}
    broken = Toy(ray_stack, lost, "c")
    broken.serve.put(broken.config([1], 1))
    with pytest.raises(ServiceError, match="ModelService") as caught:
        broken.serve.wait_running("t-c", DEADLINE, broken.said.append)
    assert "\n" not in str(caught.value)
    broken.serve.delete("t-c")


@pytest.mark.parametrize(
    "change", [{"user_confg": {}}, {"deployments": [{"name": "ModelService", "max_queud_requests": 1}]}]
)
def test_what_serve_would_take_wrongly_is_refused_here(toy: Toy, change: dict[str, Any]) -> None:
    with pytest.raises(ServiceError, match="Ray Serve"):
        toy.serve.put(toy.config([1], 1) | change)


def test_a_config_that_nobody_wants_any_more_is_not_waited_for(toy: Toy, ray_stack: RayStack, tmp_path: Path) -> None:
    lost = {"1": {"preprocessor": toy.pairs["1"]["preprocessor"], "model": str(tmp_path / "nowhere")}}
    unwanted = Toy(ray_stack, lost, "d")
    unwanted.serve.put(unwanted.config([1], 1))
    with pytest.raises(ServiceError, match="nobody waits"):
        unwanted.serve.wait_running("t-d", DEADLINE, unwanted.said.append, lambda: True)
    unwanted.serve.delete("t-d")
