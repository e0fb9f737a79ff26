"""ML handlers against a stand-in for the control plane."""

import threading
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests.support.fake_controlplane import TOKEN, FakeControlPlane, fake_controlplane

from groundplan.errors import GroundplanError, Refused, ServiceError
from groundplan.provider import rest
from groundplan.provider.handler import Context, Unreachable
from groundplan.provider.ml import MLHandler
from groundplan.provider.project import ProjectHandler, code_digest
from groundplan.provider.table import KINDS

COMMON: dict[str, Any] = {"project": "p", "digest": "d1", "data_digest": "dd1", "upstream": {"p/entity/x": "u1"}}
ALIAS = {**COMMON, "name": "delay@production", "model": "delay", "alias": "production", "follow": "latest"}
ENTITY = {**COMMON, "name": "origin", "join_key": "origin", "type": "string", "description": "x"}
MODEL: dict[str, Any] = {**COMMON, "name": "delay", "kind": "xgboost", "hyperparameters": {"max_depth": 6}}


@pytest.fixture
def plane() -> Iterator[FakeControlPlane]:
    with fake_controlplane() as fake:
        yield fake


class Told:
    """A context that keeps what it was told."""

    def __init__(self, plane: FakeControlPlane, folder: Path) -> None:
        token = folder / "token"
        token.write_text(TOKEN)
        self.said: list[str] = []
        self.warned: list[str] = []
        config = {"endpoint": plane.url, "token_file": str(token)}
        self.context = Context("urn", "it", False, self.said.append, self.warned.append, config)


@pytest.fixture
def told(plane: FakeControlPlane, tmp_path: Path) -> Told:
    return Told(plane, tmp_path)


def test_create_update_read_delete(plane: FakeControlPlane, told: Told) -> None:
    handler, ctx = MLHandler(KINDS["Entity"]), told.context
    id, state = handler.create(ENTITY, ctx)
    assert (id, state) == ("p/entity/origin", {**ENTITY, "status": "ready"})
    assert handler.read(id, state, ctx) == state
    edited = {**ENTITY, "description": "y", "digest": "d2"}
    assert handler.update(id, state, edited, ctx) == {**edited, "status": "ready"}
    handler.delete(id, state, ctx)
    assert plane.resources == {}
    assert handler.read(id, state, ctx) is None
    handler.delete(id, state, ctx)


def test_a_name_with_an_at_sign_finds_its_way(plane: FakeControlPlane, told: Told) -> None:
    handler = MLHandler(KINDS["Alias"])
    id, state = handler.create(ALIAS, told.context)
    assert id in plane.resources
    assert handler.read(id, state, told.context) == state


def test_read_lays_what_is_there_over_what_was_known(plane: FakeControlPlane, told: Told) -> None:
    handler = MLHandler(KINDS["Entity"])
    id, state = handler.create(ENTITY, told.context)
    plane.resources[id].update(status="drifted", message="edited by hand", outputs={"unheard_of": 1})
    plane.resources[id]["properties"] = {"description": "by hand"}
    found = handler.read(id, state, told.context)
    assert found == {**state, "description": "by hand", "status": "drifted", "message": "edited by hand"}


def test_import_needs_only_the_id(plane: FakeControlPlane, told: Told) -> None:
    handler = MLHandler(KINDS["Entity"])
    id, state = handler.create(ENTITY, told.context)
    assert handler.read(id, {}, told.context) == state


def test_long_work_is_followed_and_its_messages_shown_once(plane: FakeControlPlane, told: Told) -> None:
    plane.slow["model"] = ["fold 1 of 3", "fold 2 of 3"]
    plane.outputs["model"] = {"version": 7, "metrics": {"mae": 1.5}}
    _, state = MLHandler(KINDS["Model"]).create(MODEL, told.context)
    assert (state["version"], state["status"]) == (7, "ready")
    assert told.said == ["fold 1 of 3", "fold 2 of 3"]


def test_interrupted_the_run_goes_on_and_is_joined(plane: FakeControlPlane, told: Told) -> None:
    plane.slow["model"] = ["fold 1 of 3"]
    plane.hold.set()
    ctx, handler = told.context, MLHandler(KINDS["Model"])
    threading.Timer(0.2, ctx.cancelled.set).start()
    with pytest.raises(GroundplanError, match=r"the run goes on .*joins it"):
        handler.create(MODEL, ctx)
    assert plane.resources["p/model/delay"]["status"] == "pending"
    plane.hold.clear()
    ctx.cancelled.clear()
    assert handler.create(MODEL, ctx)[1]["status"] == "ready"
    assert len(plane.operations) == 1


def test_failed_work_is_an_error_with_its_reason(plane: FakeControlPlane, told: Told) -> None:
    plane.slow["model"] = []
    plane.outcomes["p/model/delay"] = ("failed", "the target column is empty")
    with pytest.raises(ServiceError, match="the target column is empty"):
        MLHandler(KINDS["Model"]).create(MODEL, told.context)


def test_a_refused_alias_is_an_outcome_and_refused_gates_are_an_error(plane: FakeControlPlane, told: Told) -> None:
    plane.outcomes["p/alias/delay@production"] = ("refused", "mae 20.1 is not better than baseline 19.8")
    handler = MLHandler(KINDS["Alias"])
    _, state = handler.create(ALIAS, told.context)
    assert told.warned == ["refused: mae 20.1 is not better than baseline 19.8"]
    assert handler.unsettled(state) == frozenset()
    plane.outcomes["p/gates/p"] = ("refused", "delay@production: mae 20.1")
    with pytest.raises(Refused, match=r"delay@production: mae 20.1"):
        MLHandler(KINDS["Gates"]).create({**COMMON, "name": "p", "aliases": ["delay@production"]}, told.context)


@pytest.mark.parametrize(
    ("kind", "status", "loud"),
    [
        ("Model", "failed", True),
        ("Model", "pending", True),
        ("FeatureView", "drifted", True),
        ("ServingApplication", "waiting", False),
        ("Alias", "refused", False),
        ("Gates", "refused", True),
        ("Gates", "ready", False),
    ],
)
def test_what_a_plain_up_tries_again(kind: str, status: str, loud: bool) -> None:
    expected = {"status"} if loud else set()
    assert MLHandler(KINDS[kind]).unsettled({"status": status}) == expected


def test_the_api_says_no_in_one_line(told: Told) -> None:
    with pytest.raises(ServiceError) as refused:
        MLHandler(KINDS["Entity"]).create({**ENTITY, "description": "refuse me"}, told.context)
    assert str(refused.value) == "description: this is refused; got refuse me; fix: say something else"


def test_a_wrong_token_and_a_missing_one(plane: FakeControlPlane, told: Told) -> None:
    file = Path(told.context.config["token_file"])
    file.write_text("another")
    with pytest.raises(ServiceError, match="a wrong token"):
        MLHandler(KINDS["Entity"]).create(ENTITY, told.context)
    file.unlink()
    with pytest.raises(ServiceError, match="token is missing"):
        MLHandler(KINDS["Entity"]).create(ENTITY, told.context)


def test_without_an_answer_read_is_unreachable_at_once_and_create_an_error(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rest, "PATIENCE", 0.2)
    gone = Context("urn", "it", False, print, print, {**told.context.config, "endpoint": "http://127.0.0.1:9"})
    with pytest.raises(Unreachable, match=r"127.0.0.1:9 does not answer"):
        MLHandler(KINDS["Entity"]).read("p/entity/origin", ENTITY, gone)
    with pytest.raises(ServiceError, match="does not answer"):
        MLHandler(KINDS["Entity"]).create(ENTITY, gone)


def test_a_project_brings_its_code_once(
    plane: FakeControlPlane, told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_ROOT", str(tmp_path))
    (tmp_path / "projects/p").mkdir(parents=True)
    (tmp_path / "projects/p/a.sql").write_text("select 1")
    code = {"a.sql": sha256(b"select 1").hexdigest()}
    inputs = {**COMMON, "name": "p", "team": "t", "owner": "o", "source": "projects/p", "code": code}
    handler = ProjectHandler(KINDS["Project"])
    handler.create(inputs, told.context)
    handler.create(inputs, told.context)
    assert told.said == ["uploading 1 files of projects/p"]
    zipped = zipfile.ZipFile(BytesIO(plane.code[f"p/{code_digest(code)}"]))
    assert zipped.read("a.sql") == b"select 1"
