"""Generated secrets, and the files derived from them."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundplan.errors import Refused, ServiceError
from groundplan.local.folder import Folder
from groundplan.local.runtime_config import ROLES, RuntimeConfigHandler
from groundplan.local.secret import SecretHandler
from groundplan.provider.handler import Context

HANDLER, RUNTIME = SecretHandler(), RuntimeConfigHandler()


def inputs(folder: Folder, name: str = "token", **changes: Any) -> dict[str, Any]:
    return {"folder": str(folder.root), "stack_id": "s1", "name": name, "keep": True, **changes}


def test_it_is_generated_once_and_adopted_after(folder: Folder, ctx: Context) -> None:
    id, state = HANDLER.create(inputs(folder), ctx)
    file = folder.secrets / "token"
    assert id == "s1/token"
    assert len(state["value"]) > 40
    assert file.read_text().strip() == state["value"]
    assert file.stat().st_mode & 0o777 == 0o600
    assert HANDLER.create(inputs(folder), ctx) == (id, state)
    assert HANDLER.create(inputs(folder, "other"), ctx)[1]["value"] != state["value"]
    assert HANDLER.read(id, state, ctx) == state
    assert "value" in HANDLER.secret_outputs


@pytest.mark.parametrize("harm", ["removed", "changed", "opened"])
def test_harm_is_seen_and_the_known_value_written_again(folder: Folder, ctx: Context, harm: str) -> None:
    id, state = HANDLER.create(inputs(folder), ctx)
    file = folder.secrets / "token"
    {"removed": file.unlink, "changed": lambda: file.write_text("x"), "opened": lambda: file.chmod(0o644)}[harm]()
    found = HANDLER.read(id, state, ctx)
    assert found is not None
    assert HANDLER.unsettled(found) == {"intact"}
    assert HANDLER.update(id, found, inputs(folder), ctx) == state
    assert file.read_text().strip() == state["value"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_delete_keeps_it_with_the_data(folder: Folder, ctx: Context) -> None:
    id, state = HANDLER.create(inputs(folder), ctx)
    HANDLER.delete(id, state, ctx)
    assert (folder.secrets / "token").exists()
    HANDLER.delete(id, {**state, "keep": False}, ctx)
    assert not (folder.secrets / "token").exists()


def test_another_stacks_folder_is_refused(folder: Folder, ctx: Context) -> None:
    with pytest.raises(Refused):
        HANDLER.create({**inputs(folder), "stack_id": "s2"}, ctx)
    assert HANDLER.read("s2/token", {**inputs(folder), "stack_id": "s2", "value": "x"}, ctx) is None


@pytest.mark.parametrize("name", ["../x", "A", "", "a/b", "x\n"])
def test_a_name_is_a_files_name(folder: Folder, ctx: Context, name: str) -> None:
    assert [f.property for f in HANDLER.check(inputs(folder, name), ctx)[1]] == ["name"]


@pytest.fixture
def runtime(folder: Folder, ctx: Context) -> dict[str, Any]:
    """Inputs of the runtime document, its secrets made."""
    for name in (*ROLES.values(), "objects-access-key", "objects-secret-key"):
        HANDLER.create(inputs(folder, name), ctx)
    endpoints = {"database": "127.0.0.1:15400", "objects": "http://127.0.0.1:15401"}
    return {"folder": str(folder.root), "stack_id": "s1", "stack": "local", "bucket": "b", "endpoints": endpoints}


def test_the_runtime_document_holds_no_secret(folder: Folder, runtime: dict[str, Any], ctx: Context) -> None:
    id, state = RUNTIME.create(runtime, ctx)
    text = folder.runtime.read_text()
    assert json.loads(text) == {
        "stack": "local", "stack_id": "s1", "bucket": "b", "endpoints": runtime["endpoints"],
        "applications": {}, "data_dir": str(folder.root), "secrets_dir": str(folder.secrets),
    }  # fmt: skip
    secret = (folder.secrets / "database-mlflow").read_text().strip()
    assert secret not in text
    assert f"127.0.0.1:15400:*:mlflow:{secret}\n" in (folder.secrets / "pgpass").read_text()
    assert "aws_access_key_id = " in (folder.secrets / "aws-credentials").read_text()
    assert RUNTIME.read(id, state, ctx) == state


def test_derived_files_follow_their_secrets(folder: Folder, runtime: dict[str, Any], ctx: Context) -> None:
    id, state = RUNTIME.create(runtime, ctx)
    (folder.secrets / "pgpass").write_text("tampered")
    found = RUNTIME.read(id, state, ctx)
    assert found is not None
    assert RUNTIME.unsettled(found) == {"intact"}
    RUNTIME.update(id, found, runtime, ctx)
    assert RUNTIME.read(id, state, ctx) == state
    RUNTIME.delete(id, state, ctx)
    assert not folder.runtime.exists()
    assert not (folder.secrets / "pgpass").exists()
    assert (folder.secrets / "database-mlflow").exists()


def test_a_missing_secret_is_one_clear_line(folder: Folder, runtime: dict[str, Any], ctx: Context) -> None:
    (folder.secrets / "database-feast").unlink()
    with pytest.raises(ServiceError, match="database-feast is missing; fix: `groundplan up`"):
        RUNTIME.create(runtime, ctx)


@pytest.fixture
def shared(folder: Folder, runtime: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The same of a stack that reads dev's registry."""
    token = tmp_path / "dev" / "mlflow-reader-token"
    token.parent.mkdir()
    token.write_text("reads-only\n")
    return {**runtime, "stack": "staging", "registry": {"stack": "dev", "token_file": str(token)}}


def test_a_readers_token_comes_from_the_owner_and_is_in_no_state(
    folder: Folder, shared: dict[str, Any], ctx: Context
) -> None:
    id, state = RUNTIME.create(shared, ctx)
    copy = folder.secrets / "mlflow-token"
    assert (copy.read_text(), copy.stat().st_mode & 0o777) == ("reads-only\n", 0o600)
    assert "reads-only" not in json.dumps(state)
    assert json.loads(folder.runtime.read_text())["registry"] == "dev"
    owners = Path(shared["registry"]["token_file"])
    owners.write_text("another\n")
    found = RUNTIME.read(id, state, ctx)
    assert found is not None
    assert RUNTIME.unsettled(found) == {"intact"}
    RUNTIME.update(id, found, shared, ctx)
    assert copy.read_text() == "another\n"
    owners.unlink()
    assert RUNTIME.read(id, state, ctx) == state, "the owner need not be there for a look, or a way down"
    RUNTIME.delete(id, state, ctx)
    assert not copy.exists()


def test_an_owner_that_is_not_deployed_is_one_clear_line(folder: Folder, shared: dict[str, Any], ctx: Context) -> None:
    Path(shared["registry"]["token_file"]).unlink()
    with pytest.raises(ServiceError, match="staging reads the registry of dev, which is not deployed") as refused:
        RUNTIME.create(shared, ctx)
    assert str(refused.value).endswith("fix: groundplan up dev first")
    assert not folder.runtime.exists(), "nothing was changed"


def test_a_stack_keeps_the_registry_that_it_began_with(
    folder: Folder, runtime: dict[str, Any], shared: dict[str, Any], ctx: Context
) -> None:
    assert RUNTIME.check(shared, ctx)[1] == RUNTIME.check(runtime, ctx)[1] == []
    RUNTIME.create(shared, ctx)
    assert RUNTIME.check(shared, ctx)[1] == []
    other = {**shared, "registry": {**shared["registry"], "stack": "prod"}}
    for changed, whose in ((runtime, "its own"), (other, "prod's")):
        (failure,) = RUNTIME.check({**changed, "stack": "staging"}, ctx)[1]
        assert f"staging has pairs under the numbers of dev's registry, not of {whose}" in failure.reason
        assert "fix: groundplan down staging --purge first" in failure.reason
    RUNTIME.update("", {}, runtime, ctx)
    assert "of its own registry, not of dev's" in RUNTIME.check(shared, ctx)[1][0].reason
