"""dev and staging on one machine with one registry, dev's: one number, own aliases, and staging writes nothing."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.environments.conftest import model, predicted, status, two_stacks, value
from tests.support.clone import Clone

API = "/api/2.0/mlflow"
#: The first test's seconds count both stacks' start too: on a busy machine that alone takes ten minutes.
pytestmark = pytest.mark.timeout(1800)
HALVES = ("flights_delay_preprocessor", "flights_delay_model")


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    """A clone with dev, which trains, and staging, which reads dev's registry and takes what is there."""
    source = "{stack: dev, registry: shared, take: on_up}"
    with two_stacks(tmp_path_factory.mktemp("shared"), source) as made:
        yield made


def token(clone: Clone, env: str) -> str:
    """What an environment shows MLflow."""
    return (clone.path / f".groundplan/{env}/secrets/mlflow-token").read_text().strip()


def asked(clone: Clone, env: str, method: str, path: str, **more: Any) -> httpx.Response:
    """What dev's MLflow answers to an environment."""
    runtime = json.loads((clone.path / ".groundplan/dev/runtime.json").read_text())
    url = f"{runtime['endpoints']['mlflow']}{API}/{path}"
    headers = {"Authorization": f"Bearer {token(clone, env)}"}
    return httpx.request(method, url, headers=headers, trust_env=False, timeout=30, **more)


def registered(clone: Clone) -> dict[str, Any]:
    """Everything that the registry holds: its versions with their tags, its aliases, its runs."""
    found: dict[str, Any] = {}
    for half in HALVES:
        words = {"filter": f"name = '{half}'"}
        found[half] = asked(clone, "dev", "GET", "model-versions/search", params=words).json()["model_versions"]
        found[f"{half} aliases"] = asked(clone, "dev", "GET", "registered-models/get", params={"name": half}).json()
    experiment = asked(clone, "dev", "GET", "experiments/get-by-name", params={"experiment_name": "flights"}).json()
    ids = {"experiment_ids": [experiment["experiment"]["experiment_id"]]}
    found["runs"] = len(asked(clone, "dev", "POST", "runs/search", json=ids).json()["runs"])
    return found


def test_the_pair_that_is_there_is_adopted_under_its_number(clone: Clone) -> None:
    there, here = model(clone, "dev"), model(clone, "staging")
    assert (there["version"], here["version"]) == (1, 1)
    assert [(each["version"], each["digest"]) for each in here["versions"]] == [(1, there["versions"][0]["digest"])]
    ours, theirs = predicted(clone, "staging"), predicted(clone, "dev")
    assert (ours["alias"], theirs["alias"]) == ("staging", "latest"), "each environment loads its own alias"
    assert (ours["model_version"], value(ours)) == (theirs["model_version"], value(theirs))
    found = registered(clone)
    assert [len(found[half]) for half in HALVES] == [1, 1], "nothing is registered twice"
    assert found["runs"] == 1, "nothing is logged twice"
    assert clone.groundplan("preview", "staging").returncode == 0, "a second up would change nothing"


def test_staging_has_no_mlflow_of_its_own(clone: Clone) -> None:
    here, there = status(clone, "staging"), status(clone, "dev")
    assert "mlflow" not in {service["name"] for service in here["services"]}
    assert here["endpoints"]["mlflow"] == there["endpoints"]["mlflow"]
    own = int(here["endpoints"]["controlplane"].rpartition(":")[2]) - 1
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", own), timeout=2)


def test_staging_may_read_pairs_and_write_nothing(clone: Clone) -> None:
    name = {"name": HALVES[0]}
    assert asked(clone, "staging", "GET", "registered-models/get", params=name).status_code == 200
    writes = {"DELETE": "registered-models/delete", "PATCH": "registered-models/update", "POST": "runs/create"}
    for method, path in writes.items():
        assert asked(clone, "staging", method, path, json=name).status_code == 401, path
    assert asked(clone, "staging", "GET", "experiments/get", params={"experiment_id": "0"}).status_code == 401
    assert token(clone, "staging") != token(clone, "dev")
    kept = [
        *(clone.path / ".groundplan/state").rglob("*staging*"),
        *(clone.path / ".groundplan/staging/logs").iterdir(),
    ]
    files = [path for path in kept if path.is_file()]
    assert files
    assert not [path for path in files if token(clone, "staging").encode() in path.read_bytes()]


def test_the_next_pair_has_one_number_and_a_rollback_is_staging_s_own(clone: Clone) -> None:
    clone.edit("projects/flights/training/delay.yaml", r"n_estimators: \d+", "n_estimators: 40")
    clone.groundplan("up", "dev")
    before = registered(clone)
    assert predicted(clone, "staging")["model_version"] == 1, "a training of dev moves nothing here"
    said = clone.groundplan("up", "staging")
    assert "version 2 there, is version 2 here" in said.stderr
    assert "carries model" not in said.stderr
    assert value(predicted(clone, "staging")) == value(predicted(clone, "dev"))
    clone.groundplan("rollback", "flights/delay@staging", "--env", "staging", "--reason", "wrong on Sundays")
    assert predicted(clone, "staging")["model_version"] == 1
    assert predicted(clone, "dev")["model_version"] == 2
    assert registered(clone) == before
    clone.groundplan("audit", "verify", "--env", "staging")
    clone.groundplan("audit", "rebuild", "--check", "--env", "staging")


def test_neither_takes_the_registry_from_the_other(clone: Clone) -> None:
    before, answer = registered(clone), value(predicted(clone, "dev"))
    refused = clone.groundplan("down", "dev", "--yes", "--purge", ok=False)
    assert refused.stderr.strip() == (
        "error: staging reads the registry of dev, and a purge removes its pairs; "
        "fix: groundplan down staging --purge first"
    )
    clone.groundplan("down", "staging", "--yes", "--purge")
    assert registered(clone) == before
    assert value(predicted(clone, "dev")) == answer


def test_the_owner_has_to_be_up_first(clone: Clone) -> None:
    clone.groundplan("down", "dev", "--yes")
    refused = clone.groundplan("up", "staging", ok=False)
    assert refused.stderr.strip().splitlines()[-1] == (
        "error: staging reads the registry of dev, which is not up; fix: groundplan up dev first"
    )
    assert not (clone.path / ".groundplan/staging").exists()
