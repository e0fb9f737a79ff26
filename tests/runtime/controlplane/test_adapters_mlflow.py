"""Pairs and aliases in a real MLflow registry (its SQL store on SQLite, which its server runs on too)."""

import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from groundplan.controlplane.adapters.mlflow import Half, MlflowAdapter
from groundplan_runtime.config import Runtime

PREPROCESSOR, MODEL = "flights_delay_preprocessor", "flights_delay_model"
HALVES = (Half("s3://b/preprocessor", None, "run"), Half("s3://b/model", None, "run"))


class Died(Exception):
    """Stands for the process being killed."""


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database with its tables: making them takes seconds, a copy none."""
    made = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(f"sqlite:///{made}").search_registered_models()
    return made


@pytest.fixture
def adapter(empty: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MlflowAdapter:
    shutil.copy(empty, tmp_path / "mlflow.db")
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    return MlflowAdapter(Runtime("test", "id", tmp_path, "groundplan", tmp_path, {"mlflow": uri}))


@pytest.fixture
def client(adapter: MlflowAdapter) -> MlflowClient:
    return adapter._client


def register(adapter: MlflowAdapter, digest: str) -> int:
    return adapter.register_pair("flights_delay", digest, *HALVES)


def add_by_hand(client: MlflowClient, name: str, count: int) -> None:
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    for _ in range(count):
        client.create_model_version(name, "s3://b/by-hand")


def states(client: MlflowClient, name: str) -> dict[int, str | None]:
    found = client.search_model_versions(f"name = '{name}'")
    return {int(v.version): v.tags.get("groundplan.state") for v in sorted(found, key=lambda v: int(v.version))}


def whole(client: MlflowClient, number: int, digest: str) -> None:
    """Both halves of the pair are there under the number, and no other version of it is alive."""
    for name, half in zip((PREPROCESSOR, MODEL), HALVES, strict=True):
        found = client.get_model_version(name, str(number))
        assert (found.source, found.tags["groundplan.digest"]) == (half.model_uri, digest)
        mine = [
            v for v in client.search_model_versions(f"name = '{name}'") if v.tags.get("groundplan.digest") == digest
        ]
        assert [int(v.version) for v in mine if v.tags["groundplan.state"] != "void"] == [number]


def test_pairs_are_numbered_one_by_one_and_once_a_digest(adapter: MlflowAdapter, client: MlflowClient) -> None:
    assert [register(adapter, digest) for digest in ("a", "b", "a", "b")] == [1, 2, 1, 2]
    assert states(client, PREPROCESSOR) == states(client, MODEL) == {1: "pending", 2: "pending"}
    adapter.commit_pair("flights_delay", 2)
    assert states(client, PREPROCESSOR) == states(client, MODEL) == {1: "pending", 2: "committed"}
    assert register(adapter, "b") == 2


def test_a_logged_model_is_registered_from_its_id(
    adapter: MlflowAdapter, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str | None] = []
    create = client.create_model_version

    def noting(*args: Any, **named: Any) -> Any:
        told.append(named["model_id"])
        return create(*args, **named)

    monkeypatch.setattr(client, "create_model_version", noting)
    experiment = adapter.experiment("flights")
    run = client.create_run(experiment).info.run_id
    made = [client.create_logged_model(experiment, name, run) for name in ("preprocessor", "model")]
    halves = [Half(f"models:/{each.model_id}", each.model_id, run) for each in made]
    assert adapter.register_pair("flights_delay", "a", *halves) == 1
    found = client.get_model_version(MODEL, "1")
    assert (found.run_id, found.source) == (run, halves[1].model_uri)
    assert told == [each.model_id for each in made]  # MLflow's server notes the way back only then


@pytest.mark.parametrize("behind", [PREPROCESSOR, MODEL])
def test_a_half_that_lagged_before_is_padded_with_void_versions(
    adapter: MlflowAdapter, client: MlflowClient, behind: str
) -> None:
    ahead = MODEL if behind == PREPROCESSOR else PREPROCESSOR
    add_by_hand(client, ahead, 3)
    assert register(adapter, "a") == 4
    whole(client, 4, "a")
    assert states(client, behind) == {1: "void", 2: "void", 3: "void", 4: "pending"}
    assert register(adapter, "b") == 5  # once in step, they stay in step


def test_versions_deleted_by_hand_are_counted_though_mlflow_hides_them(
    adapter: MlflowAdapter, client: MlflowClient
) -> None:
    add_by_hand(client, MODEL, 2)
    add_by_hand(client, PREPROCESSOR, 5)
    for hidden in (3, 4, 5):
        client.delete_model_version(PREPROCESSOR, str(hidden))
    assert register(adapter, "a") == 6
    whole(client, 6, "a")


@pytest.mark.parametrize("lost", [PREPROCESSOR, MODEL])
def test_a_pair_that_lost_a_half_is_made_again_under_a_new_number(
    adapter: MlflowAdapter, client: MlflowClient, lost: str
) -> None:
    register(adapter, "a")
    adapter.commit_pair("flights_delay", register(adapter, "b"))
    client.delete_model_version(lost, "2")
    assert register(adapter, "b") == 3
    whole(client, 3, "b")
    assert register(adapter, "a") == 1


@pytest.mark.parametrize(
    ("call", "nth"),
    [("create_registered_model", nth) for nth in (1, 2)]
    + [(call, nth) for call in ("create_model_version", "set_model_version_tag") for nth in (1, 2, 3)],
)
@pytest.mark.parametrize("after", [False, True])
def test_calling_again_heals_a_crash_before_or_after_any_write(
    adapter: MlflowAdapter, client: MlflowClient, monkeypatch: pytest.MonkeyPatch, call: str, nth: int, after: bool
) -> None:
    if call != "create_registered_model":
        add_by_hand(client, PREPROCESSOR, 3)  # a lag, so that there are voids to die between
    calls: list[str] = []
    real = getattr(client, call)

    def dying(*args: Any, **named: Any) -> Any:
        calls.append(call)
        if len(calls) == nth and not after:
            raise Died
        answer = real(*args, **named)
        if len(calls) == nth:
            raise Died
        return answer

    monkeypatch.setattr(client, call, dying)
    with pytest.raises(Died):
        register(adapter, "a")
    number = register(adapter, "a")
    whole(client, number, "a")
    assert register(adapter, "b") == number + 1


def test_four_threads_under_the_lock_make_whole_pairs_only(adapter: MlflowAdapter, client: MlflowClient) -> None:
    lock = threading.Lock()
    add_by_hand(client, MODEL, 2)

    def train(worker: int) -> Sequence[tuple[int, str]]:
        made = []
        for turn in range(3):
            with lock:
                made.append((register(adapter, f"{worker}-{turn}"), f"{worker}-{turn}"))
        return made

    with ThreadPoolExecutor(4) as pool:
        made = [pair for worker in pool.map(train, range(4)) for pair in worker]
    assert sorted(number for number, _ in made) == list(range(3, 15))
    for number, digest in made:
        whole(client, number, digest)


@pytest.mark.parametrize("alias", ["production", "latest", "v3"])
def test_an_alias_points_both_halves_and_goes_from_both(adapter: MlflowAdapter, alias: str) -> None:
    assert adapter.observe_alias("flights_delay", alias) == (None, None)
    adapter.delete_alias("flights_delay", alias)  # there is not even a model
    for digest in "ab":
        register(adapter, digest)
    for number in (1, 2):
        adapter.set_alias("flights_delay", alias, number)
        assert adapter.observe_alias("flights_delay", alias) == (number, number)
    for _ in range(2):
        adapter.delete_alias("flights_delay", alias)
        assert adapter.observe_alias("flights_delay", alias) == (None, None)


def test_an_alias_moved_by_hand_is_seen_a_half_at_a_time(adapter: MlflowAdapter, client: MlflowClient) -> None:
    for digest in "ab":
        register(adapter, digest)
    adapter.set_alias("flights_delay", "production", 2)
    client.set_registered_model_alias(MODEL, "production", "1")
    assert adapter.observe_alias("flights_delay", "production") == (2, 1)


def test_mlflow_really_reserves_what_is_mirrored_under_another_name(
    adapter: MlflowAdapter, client: MlflowClient
) -> None:
    register(adapter, "a")
    for alias in ("latest", "v3"):
        with pytest.raises(MlflowException, match="reserved"):
            client.set_registered_model_alias(MODEL, alias, "1")
        adapter.set_alias("flights_delay", alias, 1)
    found = client.get_registered_model(MODEL).aliases
    assert {name: int(number) for name, number in found.items()} == {"latest_pair": 1, "v3_pair": 1}


def test_a_failure_of_mlflow_is_not_taken_for_absence(adapter: MlflowAdapter) -> None:
    register(adapter, "a")
    with pytest.raises(MlflowException, match="alias"):
        adapter.delete_alias("flights_delay", "not an alias!")


def test_what_serving_loads_is_named_by_number(adapter: MlflowAdapter) -> None:
    assert adapter.source_uris("flights_delay", 7) == {
        "preprocessor": "models:/flights_delay_preprocessor/7",
        "model": "models:/flights_delay_model/7",
    }


def test_models_go_with_their_versions_and_come_again_from_one(adapter: MlflowAdapter, client: MlflowClient) -> None:
    register(adapter, "a")
    register(adapter, "b")
    client.delete_registered_model(PREPROCESSOR)  # as a purge leaves it that died between the two
    for _ in range(2):
        adapter.delete_models("flights_delay")
        assert client.search_registered_models() == []
    assert register(adapter, "c") == 1


def test_an_experiment_is_made_once(adapter: MlflowAdapter) -> None:
    assert adapter.experiment("flights") == adapter.experiment("flights")
    assert adapter.experiment("flights") != adapter.experiment("other")


def test_a_pair_is_there_while_both_halves_are(adapter: MlflowAdapter, client: MlflowClient) -> None:
    assert not adapter.has_pair("flights_delay", 1)
    version = register(adapter, "d1")
    assert adapter.has_pair("flights_delay", version)
    client.delete_model_version(MODEL, str(version))
    assert not adapter.has_pair("flights_delay", version)


def test_a_half_that_a_hand_put_in_its_place_is_not_ours(adapter: MlflowAdapter, client: MlflowClient) -> None:
    register(adapter, "a")
    client.delete_registered_model(MODEL)  # numbers begin again
    add_by_hand(client, MODEL, 1)
    assert not adapter.has_pair("flights_delay", 1)
    client.set_model_version_tag(MODEL, "1", "groundplan.digest", "another")
    assert not adapter.has_pair("flights_delay", 1)
    client.set_model_version_tag(MODEL, "1", "groundplan.digest", "a")
    assert adapter.has_pair("flights_delay", 1, "a")
    assert not adapter.has_pair("flights_delay", 1, "b")
    client.set_model_version_tag(MODEL, "1", "groundplan.state", "void")
    assert not adapter.has_pair("flights_delay", 1, "a")


def test_a_number_that_another_pair_had_is_never_given_again(adapter: MlflowAdapter, client: MlflowClient) -> None:
    for digest in "ab":
        register(adapter, digest)
    adapter.delete_models("flights_delay")
    assert adapter.register_pair("flights_delay", "c", *HALVES, taken={1, 2}) == 3
    whole(client, 3, "c")
    assert adapter.register_pair("flights_delay", "c", *HALVES, taken={1, 2}) == 3


def test_a_reader_finds_a_pair_that_is_whole_and_committed_alone(adapter: MlflowAdapter, client: MlflowClient) -> None:
    assert adapter.pair_of("flights_delay", "a", "run") is None
    register(adapter, "a")
    assert adapter.pair_of("flights_delay", "a", "run") is None, "registered, and not committed yet"
    adapter.commit_pair("flights_delay", 1)
    assert adapter.pair_of("flights_delay", "a", "run") == 1
    assert adapter.pair_of("flights_delay", "b", "run") is None
    assert adapter.pair_of("flights_delay", "a", "another-run") is None, "a registry that was made anew"
    client.delete_model_version(MODEL, "1")
    assert adapter.pair_of("flights_delay", "a", "run") is None
    add_by_hand(client, MODEL, 1)
    assert adapter.pair_of("flights_delay", "a", "run") is None
    assert register(adapter, "a") == 3
    adapter.commit_pair("flights_delay", 3)
    assert adapter.pair_of("flights_delay", "a", "run") == 3
    client.set_model_version_tag(PREPROCESSOR, "3", "groundplan.state", "void")
    assert adapter.pair_of("flights_delay", "a", "run") is None
