"""A pair from one environment's registry to another's: two databases, two object stores, two real MLflows."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import mlflow
import pandas as pd
import pytest
import sqlalchemy as sa

from groundplan.controlplane import approvals, registry
from groundplan.controlplane.adapters.mlflow import Half, MlflowAdapter
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import migrate
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.retirements import write as retire
from groundplan.controlplane.store import Actor
from groundplan.controlplane.transfer.exporting import exported, exported_file
from groundplan_runtime.config import Runtime
from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.doubles import MemoryFeast, MemoryJobs, MemoryObjects, MemoryServe, MemorySingles
from tests.runtime.controlplane.test_api import alias, model, project  # noqa: F401 - a fixture

FEATURES = {
    "name": "fs",
    "views": {"v": {"join_keys": {"k": "string"}, "fields": {"f": "float64"}}},
    "entities": {"e": {"join_key": "k", "type": "string"}},
}
ADDS = """
import mlflow, pandas
class Adds(mlflow.pyfunc.PythonModel):
    def load_context(self, context):
        self.by = float(open(context.artifacts["by"]).read())
    def predict(self, context, model_input, params=None):
        return model_input["x"] + self.by
mlflow.models.set_model(Adds())
"""
ANN = Actor("ann", "as it was trained")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's database with its tables."""
    made = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{made}").search_registered_models()
    return made


def a_registry(empty: Path, folder: Path, experiment: str) -> MlflowAdapter:
    """A real MLflow of its own: rows in SQLite, artifacts in a folder."""
    folder.mkdir()
    shutil.copy(empty, folder / "mlflow.db")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    adapter = MlflowAdapter(Runtime("s", "id", folder, "b", folder, {"mlflow": uri}))
    adapter._client.create_experiment(experiment, artifact_location=str(folder / "artifacts"))
    return adapter


def at(platform: Any) -> Any:
    """MLflow's own calls mean an environment's registry: its SQL store resolves models by these variables."""
    uri = platform.mlflow._uri
    return mock.patch.dict(os.environ, {"MLFLOW_TRACKING_URI": uri, "MLFLOW_REGISTRY_URI": uri})


@pytest.fixture
def dev(
    database: Runtime,
    new_database: Callable[[], sa.Engine],
    empty: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Platform:
    """The environment that trained."""
    monkeypatch.chdir(tmp_path)  # MLflow copies the lock file of the project around it into models
    engine, objects = new_database(), MemoryObjects()
    migrate(engine)
    runtime = Runtime("dev", "dev-id", tmp_path, "groundplan", tmp_path, {})
    mlflow_ = a_registry(empty, tmp_path / "dev", "p")
    parts: Any = (objects, MemoryFeast(), mlflow_, MemoryJobs(objects), MemoryServe(), MemorySingles())
    return Platform(runtime, engine, *parts)


@pytest.fixture
def staging(project: Plane, empty: Path, tmp_path: Path) -> Iterator[Plane]:  # noqa: F811
    """The environment that takes: the tier's control plane, with a real MLflow for this test."""
    memory = project.platform.mlflow
    object.__setattr__(project.platform, "mlflow", a_registry(empty, tmp_path / "staging", "p"))
    with at(project.platform):
        yield project
    object.__setattr__(project.platform, "mlflow", memory)


def trained(dev: Platform, name: str, tmp_path: Path, by: float = 2.0, digest: str = "d" * 16) -> dict[str, Any]:
    """A pair in dev, as a training leaves it: both halves logged, registered, with its rows and an approval."""
    with at(dev):
        run = dev.mlflow.new_run(
            "p", "train", {"digest": digest}, {"params": {"depth": "3"}, "metrics": {"mae": 1.5}, "tags": {}}
        )
        halves = [
            _half(dev, run, f"p_{name}_{half}", tmp_path / digest / half, by) for half in ("preprocessor", "model")
        ]
        with dev.engine.connect() as connection:
            taken = registry.taken(connection, "p", name, digest)
        version = dev.mlflow.register_pair(f"p_{name}", digest, *halves, taken)
    rows = dev.objects.put(f"features/p/v/{digest}.parquet", b"rows of v")
    view = {"uri": rows, "entities": ["e"], "timestamp": "t", "ttl": "3h", "fields": {"f": "float64"}}
    held = dev.objects.put(f"results/p/model/{name}/{digest}.holdout.parquet", b"held out")
    made = {"digest": digest, "run_id": run, "metrics": {"mae": 1.5}, "features": FEATURES, "trained_by": "ann"}
    made["trained_on"] = {"views": {"v": view}, "holdout": held}
    with dev.engine.begin() as connection:
        registry.commit_pair(connection, "p", name, version, made, ANN)
        approvals.approve(connection, "p", name, version, Actor("ben", "looks right"))
    dev.mlflow.commit_pair(f"p_{name}", version)
    return {**made, "version": version}


def _half(dev: Platform, run: str, name: str, folder: Path, by: float) -> Half:
    folder.mkdir(parents=True)
    (folder / "adds.py").write_text(ADDS)
    (folder / "by.txt").write_text(str(by))
    saved = folder / "saved"
    artifacts = {"by": str(folder / "by.txt")}
    mlflow.pyfunc.save_model(str(saved), python_model=str(folder / "adds.py"), artifacts=artifacts, pip_requirements=[])
    return dev.mlflow.log_half("p", run, name, saved)


def declared(staging: Plane, name: str, **source: str) -> dict[str, Any]:
    """The model as a stack with ``source: {stack: dev}`` declares it."""
    return staging.made("model", name, model(source={"stack": "dev", **source}))


def carried(dev: Platform, staging: Plane, name: str, digest: str = "d" * 16) -> dict[str, Any]:
    """Upload every file, as the command does; return the manifest."""
    with at(dev):
        manifest = exported(dev, "p", name, digest)
        files = {file: exported_file(dev, "p", name, digest, file) for file in manifest["files"]}
    for file, known in manifest["files"].items():
        body = files[file]
        answer = staging.http.put(f"/v1/registry/models/p/{name}/imports/{known['sha256']}", content=body)
        assert answer.status_code == 200, answer.text
    return manifest


def take(staging: Plane, name: str, manifest: dict[str, Any]) -> Any:
    body = {"manifest": manifest, "reason": "good enough for staging"}
    return staging.http.post(f"/v1/registry/models/p/{name}/pairs:import", json=body)


def taken(staging: Plane, name: str, manifest: dict[str, Any]) -> dict[str, Any]:
    answer = take(staging, name, manifest)
    assert answer.status_code == 202, answer.text
    ended = staging.ended(answer.json()["operation"])
    assert ended["status"] == "succeeded", ended
    return dict(ended["resource"])


def test_a_pair_comes_with_its_evidence_and_answers_the_same(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    made = trained(dev, "t_whole", tmp_path)
    waiting = declared(staging, "t_whole")
    assert waiting["status"] == "waiting"
    assert "groundplan promote p/t_whole --from dev --to " in waiting["message"]
    ran = list(staging.platform.jobs.ran)
    manifest = carried(dev, staging, "t_whole")
    here = taken(staging, "t_whole", manifest)
    assert (here["status"], here["outputs"]["version"], here["outputs"]["metrics"]) == ("ready", 1, {"mae": 1.5})
    assert staging.platform.jobs.ran == ran, "nothing was trained"

    with staging.platform.engine.connect() as connection:
        (pair,) = registry.pairs_of(connection, "p", "t_whole")
    assert (pair["digest"], pair["trained_by"], pair["features"]) == (made["digest"], "ann", FEATURES)
    source = pair["source"]
    assert (source["stack"], source["version"], source["run_id"]) == ("dev", made["version"], made["run_id"])
    assert source["content"] == manifest["content"]
    assert [each["actor"] for each in source["evidence"]["approvals"]] == ["ben"]
    assert source["run"]["params"] == {"depth": "3"}
    objects = staging.platform.objects
    assert objects.get(pair["trained_on"]["holdout"]) == b"held out"
    assert objects.get(pair["trained_on"]["views"]["v"]["uri"]) == b"rows of v"

    client = staging.platform.mlflow._client
    assert client.get_run(pair["run_id"]).data.tags["source.run_id"] == made["run_id"]
    assert client.get_run(pair["run_id"]).data.metrics == {"mae": 1.5}
    loaded = mlflow.pyfunc.load_model("models:/p_t_whole_model/1")
    assert list(loaded.predict(pd.DataFrame({"x": [1.0, 2.0]}))) == [3.0, 4.0]

    (event,) = [
        e
        for e in staging.http.get("/v1/audit/events?limit=1000").json()["events"]
        if (e["kind"], e["name"], e["action"]) == ("pair", "t_whole", "commit")
    ]
    assert event["reason"] == "good enough for staging"
    listed = staging.http.get("/v1/catalogue/models/p/t_whole").json()
    assert listed["versions"][0]["source"] == {"stack": "dev", "version": made["version"]}
    shown = staging.http.get("/v1/registry/models/p/t_whole").json()["versions"]
    assert shown[0]["source"] == {"stack": "dev", "version": made["version"], "content": manifest["content"]}


def test_the_same_pair_twice_has_one_number(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_twice", tmp_path)
    declared(staging, "t_twice")
    manifest = carried(dev, staging, "t_twice")
    first, second = taken(staging, "t_twice", manifest), taken(staging, "t_twice", manifest)
    assert first["outputs"]["version"] == second["outputs"]["version"] == 1
    again = taken(staging, "t_twice", carried(dev, staging, "t_twice"))
    assert again["outputs"]["version"] == 1
    assert len(staging.http.get("/v1/registry/models/p/t_twice").json()["versions"]) == 1


def test_numbers_are_local_and_an_older_pair_can_be_taken_again(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    for digest in ("a" * 16, "b" * 16, "c" * 16):
        trained(dev, "t_numbers", tmp_path, digest=digest)
    declared(staging, "t_numbers")
    third = taken(staging, "t_numbers", carried(dev, staging, "t_numbers", "c" * 16))
    first = taken(staging, "t_numbers", carried(dev, staging, "t_numbers", "a" * 16))
    assert (third["outputs"]["version"], first["outputs"]["version"]) == (1, 2)
    back = taken(staging, "t_numbers", carried(dev, staging, "t_numbers", "c" * 16))
    assert back["outputs"]["version"] == 1
    assert staging.made("model", "t_numbers", model(7, source={"stack": "dev"}))["outputs"]["version"] == 1, (
        "another declaration trains nothing: the pair that was taken last stays"
    )


def test_aliases_that_follow_move_through_their_own_gates(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_gates", tmp_path)
    declared(staging, "t_gates")
    approval = {"approval": {"by": ["cat"]}}
    given = {**alias("staging"), "model": "t_gates", "gates": [{"metric": "mae", "below": 2}]}
    strict = {**alias("production"), "model": "t_gates", "gates": [approval], "on_refusal": "hold"}
    assert staging.made("alias", "t_gates@staging", given)["status"] == "waiting"
    staging.made("alias", "t_gates@production", strict)
    manifest = carried(dev, staging, "t_gates")
    taken(staging, "t_gates", manifest)
    moved = settled(staging, "t_gates@staging", lambda found: found["outputs"].get("points_to") == 1)
    assert moved["outputs"]["evidence"]["gates"][0]["reason"] == "mae 1.5 is below 2"
    held = settled(staging, "t_gates@production", lambda found: found["status"] == "refused")
    assert "cat may approve it" in held["message"], "an approval of another environment is evidence, not a vote here"


def settled(plane: Plane, name: str, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The alias once it is as ``done`` says: its work follows that on its model."""
    for _ in range(200):
        found = plane.look("alias", name).json()["resource"]
        if done(found):
            return dict(found)
        plane.http.get("/v1/operations/none?wait=1")  # a look at the database, as long as one takes
    pytest.fail(f"{name} did not settle: {found}")


def test_damaged_bytes_are_refused_and_nothing_changes(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_damaged", tmp_path)
    declared(staging, "t_damaged")
    manifest = carried(dev, staging, "t_damaged")
    hash = manifest["files"]["model"]["sha256"]
    refused = staging.http.put(f"/v1/registry/models/p/t_damaged/imports/{hash}", content=b"other bytes")
    assert (refused.status_code, refused.json()["error"]["allowed"]) == (422, hash)
    staging.platform.objects.data[f"s3://groundplan/imports/p/{hash}"] = b"other bytes"
    answer = take(staging, "t_damaged", manifest)
    assert answer.status_code == 422
    assert "damaged" in answer.json()["error"]["what"]
    edited = {**manifest, "files": {**manifest["files"], "model": manifest["files"]["preprocessor"]}}
    answer = take(staging, "t_damaged", edited)
    assert answer.json()["error"]["path"] == "manifest.content"
    assert staging.http.get("/v1/registry/models/p/t_damaged").json()["versions"] == []
    assert staging.look("model", "t_damaged").json()["resource"]["status"] == "waiting"


def test_what_was_not_uploaded_is_named(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_missing", tmp_path, by=77.0)
    declared(staging, "t_missing")
    with at(dev):
        manifest = exported(dev, "p", "t_missing", "d" * 16)
    answer = take(staging, "t_missing", manifest)
    assert (answer.status_code, answer.json()["error"]["what"]) == (422, "was not uploaded")


def test_a_digest_has_one_content(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_content", tmp_path)
    declared(staging, "t_content")
    taken(staging, "t_content", carried(dev, staging, "t_content"))
    with dev.engine.begin() as connection:
        registry.forget_pairs(connection, "p", "t_content", ANN)
    dev.mlflow.delete_models("p_t_content")
    shutil.rmtree(tmp_path / ("d" * 16))
    trained(dev, "t_content", tmp_path, by=5.0)
    answer = take(staging, "t_content", carried(dev, staging, "t_content"))
    assert answer.status_code == 409
    assert "is of this digest, and its content is another" in answer.json()["error"]["what"]


@pytest.mark.parametrize(
    ("source", "said"), [(None, "trains its own pairs"), ({"stack": "other"}, "takes its pairs from other")]
)
def test_only_a_stack_that_says_so_takes_pairs(
    dev: Platform, staging: Plane, tmp_path: Path, source: dict[str, str] | None, said: str
) -> None:
    name = f"t_source_{'none' if source is None else 'other'}"
    trained(dev, name, tmp_path)
    staging.platform.jobs.half = {"model_uri": "s3://groundplan/m", "model_id": None, "run_id": "r"}
    staging.made("model", name, model(**({"source": source} if source else {})))
    staging.platform.jobs.half = {"model_uri": "models:/m-1", "model_id": "m-1", "run_id": "r"}
    answer = take(staging, name, carried(dev, staging, name))
    assert answer.status_code == 409
    assert said in answer.json()["error"]["what"]


def test_features_that_are_not_declared_here_are_named(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_features", tmp_path)
    declared(staging, "t_features")
    manifest = carried(dev, staging, "t_features")
    view = {"join_keys": {"k": "string"}, "fields": {"f": "int64", "g": "float64"}}
    manifest["features"] = {**FEATURES, "views": {"v": view, "w": view}}
    answer = take(staging, "t_features", manifest)
    assert answer.status_code == 409
    assert answer.json()["error"]["value"] == "v.f (int64; here: float64); v.g (float64; here: none); feature view w"


def test_what_was_retired_or_lost_is_not_exported(dev: Platform, tmp_path: Path) -> None:
    pair = trained(dev, "t_retired", tmp_path)
    with at(dev), pytest.raises(ApiProblem, match="no pair of that digest"):
        exported(dev, "p", "t_retired", "e" * 16)
    dev.mlflow._client.delete_model_version("p_t_retired_model", str(pair["version"]))
    with pytest.raises(ApiProblem, match="lost a half"):
        exported(dev, "p", "t_retired", "d" * 16)
    other = trained(dev, "t_retired", tmp_path, digest="f" * 16)
    with dev.engine.begin() as connection:
        retire(connection, "p", "t_retired", other["version"], True, Actor("ben", "wrong"))
    with pytest.raises(ApiProblem, match="retired"):
        exported(dev, "p", "t_retired", "f" * 16)


def test_a_lost_half_is_registered_again_without_the_source(dev: Platform, staging: Plane, tmp_path: Path) -> None:
    trained(dev, "t_lost", tmp_path)
    declared(staging, "t_lost")
    taken(staging, "t_lost", carried(dev, staging, "t_lost"))
    staging.platform.mlflow._client.delete_model_version("p_t_lost_model", "1")
    assert staging.look("model", "t_lost").json()["resource"]["status"] == "drifted"
    again = staging.made("model", "t_lost", model(source={"stack": "dev"}))
    assert (again["status"], again["outputs"]["version"]) == ("ready", 2)
    with staging.platform.engine.connect() as connection:
        assert registry.standing(connection, "p", "t_lost", 1)["source"]["stack"] == "dev"  # type: ignore[index]
