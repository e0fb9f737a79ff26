"""A pair in a registry that another environment owns: adopted under its number, by one real MLflow for both."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from groundplan.controlplane import registry
from groundplan.controlplane.context import Platform
from groundplan.controlplane.db.engine import migrate
from groundplan.controlplane.transfer.exporting import exported, exported_file
from groundplan.controlplane.transfer.manifest import content_of
from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.test_api import alias, model, project  # noqa: F401 - a fixture
from tests.runtime.controlplane.test_transfer import (  # noqa: F401
    at,
    declared,
    dev,
    empty,
    settled,
    take,
    taken,
    trained,
)

FOLLOWS = {"follow": "latest", "gates": [{"metric": "mae", "below": 2}]}


@pytest.fixture
def staging(project: Plane, dev: Platform) -> Iterator[Plane]:  # noqa: F811
    """The tier's control plane as one that reads dev's registry."""
    platform = project.platform
    before = platform.mlflow, platform.runtime
    object.__setattr__(platform, "mlflow", dev.mlflow)
    object.__setattr__(platform, "runtime", replace(platform.runtime, registry="dev"))
    with at(dev):
        yield project
    object.__setattr__(platform, "mlflow", before[0])
    object.__setattr__(platform, "runtime", before[1])


def with_rows(dev: Platform, staging: Plane, name: str, digest: str = "d" * 16) -> dict[str, Any]:  # noqa: F811
    """Upload what a gate looks at, as the command does, and no half; return the manifest."""
    manifest = exported(dev, "p", name, digest)
    for file, known in manifest["files"].items():
        if file not in ("preprocessor", "model"):
            content = exported_file(dev, "p", name, digest, file)
            staging.http.put(f"/v1/registry/models/p/{name}/imports/{known['sha256']}", content=content)
    return manifest


def versions(dev: Platform, name: str) -> list[Any]:  # noqa: F811
    """What is registered, with its tags and aliases."""
    client = dev.mlflow._client
    halves = [f"p_{name}_{half}" for half in ("preprocessor", "model")]
    found = [v for half in halves for v in client.search_model_versions(f"name = '{half}'")]
    return [(v.name, v.version, v.tags, v.aliases, v.run_id) for v in found]


def test_a_pair_has_one_number_and_nothing_is_written_to_the_registry(
    dev: Platform,  # noqa: F811
    staging: Plane,
    tmp_path: Any,
) -> None:
    for digest in ("a" * 16, "b" * 16):
        made = trained(dev, "t_shared", tmp_path, digest=digest)
    declared(staging, "t_shared")
    given = {**alias("staging"), "model": "t_shared", **FOLLOWS}
    assert staging.made("alias", "t_shared@staging", given)["status"] == "waiting"
    before = versions(dev, "t_shared")
    here = taken(staging, "t_shared", with_rows(dev, staging, "t_shared", "b" * 16))
    assert (here["status"], here["outputs"]["version"], here["outputs"]["run_id"]) == ("ready", 2, made["run_id"])
    moved = settled(staging, "t_shared@staging", lambda found: found["outputs"].get("points_to") == 2)
    assert moved["outputs"]["evidence"]["gates"][0]["reason"] == "mae 1.5 is below 2", "judged here"
    again = taken(staging, "t_shared", with_rows(dev, staging, "t_shared", "a" * 16))
    assert again["outputs"]["version"] == 1
    settled(staging, "t_shared@staging", lambda found: found["outputs"].get("points_to") == 1)
    for kind, name in (("model", "t_shared"), ("alias", "t_shared@staging")):
        assert staging.look(kind, name).json()["resource"]["status"] == "ready"
    with staging.platform.engine.connect() as connection:
        pairs = registry.pairs_of(connection, "p", "t_shared")
    assert [(pair["version"], pair["source"]["registry"]) for pair in pairs] == [(1, "dev"), (2, "dev")]
    assert staging.platform.objects.get(pairs[1]["trained_on"]["holdout"]) == b"held out"
    assert staging.http.delete("/v1/projects/p/resources/alias/t_shared@staging").status_code < 300
    assert staging.http.delete("/v1/projects/p/resources/model/t_shared?purge=true").status_code < 300
    assert versions(dev, "t_shared") == before, "the owner's registry is as it was"


def test_what_is_void_or_lost_a_half_is_never_adopted_until_its_owner_mends_it(
    dev: Platform,  # noqa: F811
    staging: Plane,
    tmp_path: Any,
) -> None:
    made = trained(dev, "t_void", tmp_path)
    declared(staging, "t_void")
    manifest = with_rows(dev, staging, "t_void")
    client = dev.mlflow._client
    client.set_model_version_tag("p_t_void_model", "1", "groundplan.state", "void")
    ended = staging.ended(take(staging, "t_void", manifest).json()["operation"])
    assert ended["status"] == "failed"
    assert ended["error"]["what"] == f"the pair of digest {'d' * 16} is not whole in dev's registry"
    assert ended["error"]["fix"].startswith("groundplan up dev registers it again")
    assert staging.http.get("/v1/registry/models/p/t_void").json()["versions"] == []

    client.set_model_version_tag("p_t_void_model", "1", "groundplan.state", "committed")
    assert taken(staging, "t_void", manifest)["outputs"]["version"] == 1
    client.delete_model_version("p_t_void_model", "1")
    assert staging.look("model", "t_void").json()["resource"]["status"] == "drifted"
    answer = staging.put("model", "t_void", model(source={"stack": "dev"}))
    ended = staging.ended(answer.json()["operation"])
    assert "is not whole in dev's registry" in ended["error"]["what"], "it is not registered again from here"

    halves = [_again(dev, f"p_t_void_{half}", made["run_id"]) for half in ("preprocessor", "model")]
    assert halves == [2, 2], "the owner did, as its `up` does"
    mended = staging.made("model", "t_void", model(source={"stack": "dev"}))
    assert (mended["status"], mended["outputs"]["version"]) == ("ready", 2)
    staging.http.delete("/v1/projects/p/resources/model/t_void?purge=true")


def _again(dev: Platform, name: str, run: str) -> int:  # noqa: F811
    client = dev.mlflow._client
    source = client.get_model_version("p_t_void_preprocessor", "1").source
    tags = {"groundplan.digest": "d" * 16, "groundplan.state": "committed"}
    return int(client.create_model_version(name, source, run, tags=tags).version)


def test_other_bytes_and_a_registry_made_anew_are_refused(
    dev: Platform,  # noqa: F811
    staging: Plane,
    new_database: Callable[[], sa.Engine],
    tmp_path: Any,
) -> None:
    trained(dev, "t_anew", tmp_path)
    declared(staging, "t_anew")
    manifest = with_rows(dev, staging, "t_anew")
    files = {**manifest["files"], "model": {**manifest["files"]["model"], "sha256": "0" * 64}}
    other = {**manifest, "files": files, "content": content_of(files)}
    ended = staging.ended(take(staging, "t_anew", other).json()["operation"])
    assert ended["error"]["what"] == "the model of pair version 1 in dev's registry is another one"
    assert taken(staging, "t_anew", manifest)["outputs"]["version"] == 1

    dev.mlflow.delete_models("p_t_anew")
    object.__setattr__(dev, "engine", new_database())
    migrate(dev.engine)
    trained(dev, "t_anew", tmp_path, digest="e" * 16)
    ended = staging.ended(take(staging, "t_anew", with_rows(dev, staging, "t_anew", "e" * 16)).json()["operation"])
    assert ended["error"]["what"] == "version 1 of dev's registry was another pair here before"
    staging.http.delete("/v1/projects/p/resources/model/t_anew?purge=true")


def test_pairs_keep_the_numbers_of_the_registry_that_they_came_by(
    dev: Platform,  # noqa: F811
    staging: Plane,
    tmp_path: Any,
) -> None:
    trained(dev, "t_numbers_of", tmp_path)
    declared(staging, "t_numbers_of")
    taken(staging, "t_numbers_of", with_rows(dev, staging, "t_numbers_of"))
    platform = staging.platform
    object.__setattr__(platform, "runtime", replace(platform.runtime, registry=None))
    answer = staging.put("model", "t_numbers_of", model(7, source={"stack": "dev"}))
    assert answer.status_code == 409
    assert "its pair versions 1 have numbers of another registry" in answer.json()["error"]["what"]
    object.__setattr__(platform, "runtime", replace(platform.runtime, registry="dev"))
    staging.http.delete("/v1/projects/p/resources/model/t_numbers_of?purge=true")
