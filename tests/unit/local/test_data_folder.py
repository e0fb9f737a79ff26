"""The data folder's handler: code by digest, drift, and what delete keeps."""

from pathlib import Path
from typing import Any

import pytest

from groundplan.errors import ServiceError
from groundplan.local import code
from groundplan.local.data_folder import DataFolderHandler
from groundplan.local.folder import Folder
from groundplan.provider.handler import Context

HANDLER = DataFolderHandler()


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package to copy, with what is no code beside it."""
    made = tmp_path / "checkout" / "pack"
    (made / "__pycache__").mkdir(parents=True)
    (made / "a.py").write_text("A = 1\n")
    (made / "__pycache__" / "a.pyc").write_text("x")
    return made


def inputs(folder: Path, package: Path, **changes: Any) -> dict[str, Any]:
    return {
        "folder": str(folder), "stack_id": "s1", "stack": "local", "root": "/clone", "keep": True,
        "code": code.digest([package]), "sources": [str(package)], **changes,
    }  # fmt: skip


def test_create_copies_the_code_and_read_finds_it(tmp_path: Path, package: Path, ctx: Context) -> None:
    wanted = inputs(tmp_path / "data", package)
    id, state = HANDLER.create(wanted, ctx)
    assert id == "s1"
    copy = tmp_path / "data" / "code" / wanted["code"] / "pack"
    assert [p.name for p in copy.iterdir()] == ["a.py"]
    assert HANDLER.read(id, state, ctx) == state == {**wanted, "intact": True}
    assert HANDLER.unsettled(state) == frozenset()


def test_create_adopts(tmp_path: Path, package: Path, ctx: Context) -> None:
    wanted = inputs(tmp_path / "data", package)
    assert HANDLER.create(wanted, ctx) == HANDLER.create(wanted, ctx)


def test_an_open_folder_or_lost_code_is_drift_and_healed(tmp_path: Path, package: Path, ctx: Context) -> None:
    wanted = inputs(tmp_path / "data", package)
    id, state = HANDLER.create(wanted, ctx)
    (tmp_path / "data").chmod(0o755)
    found = HANDLER.read(id, state, ctx)
    assert found is not None
    assert HANDLER.unsettled(found) == {"intact"}
    healed = HANDLER.update(id, found, wanted, ctx)
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert HANDLER.unsettled(healed) == frozenset()


def test_new_code_comes_beside_the_old_while_a_service_runs_that(tmp_path: Path, package: Path, ctx: Context) -> None:
    wanted = inputs(tmp_path / "data", package)
    id, state = HANDLER.create(wanted, ctx)
    programs = tmp_path / "data" / "supervisor" / "conf.d"
    programs.mkdir()
    (programs / "x.conf").write_text(f'environment=PYTHONPATH="{tmp_path}/data/code/{wanted["code"]}"')
    (package / "a.py").write_text("A = 2\n")
    newer = inputs(tmp_path / "data", package)
    HANDLER.update(id, state, newer, ctx)
    copies = tmp_path / "data" / "code"
    assert {p.name for p in copies.iterdir()} == {wanted["code"], newer["code"]} != {newer["code"]}
    (programs / "x.conf").unlink()
    HANDLER.update(id, state, newer, ctx)
    assert {p.name for p in copies.iterdir()} == {newer["code"]}


def test_code_edited_meanwhile_is_not_taken(tmp_path: Path, package: Path, ctx: Context) -> None:
    wanted = inputs(tmp_path / "data", package)
    (package / "a.py").write_text("A = 3\n")
    with pytest.raises(ServiceError, match="was edited while `up` ran"):
        HANDLER.create(wanted, ctx)
    assert list((tmp_path / "data" / "code").iterdir()) == []


def test_a_folder_that_is_gone_is_gone(folder: Folder, ctx: Context) -> None:
    state = {"folder": str(folder.root.parent / "none"), "stack_id": "s1"}
    assert HANDLER.read("s1", state, ctx) is None
    HANDLER.delete("s1", state, ctx)


def test_a_preview_says_whose_folder_it_is(folder: Folder, ctx: Context) -> None:
    _, failures = HANDLER.check({"folder": str(folder.root), "stack_id": "s2"}, ctx)
    assert [f.property for f in failures] == ["folder"]
    assert f"belongs to stack local of {folder.root.parent}" in failures[0].reason
    assert HANDLER.check({"folder": str(folder.root), "stack_id": "s1"}, ctx)[1] == []
    assert HANDLER.check({"folder": "/a #b", "stack_id": "s1"}, ctx)[1][0].property == "folder"


def test_delete_keeps_data_and_says_so(tmp_path: Path, package: Path, ctx: Context, said: list[str]) -> None:
    wanted = inputs(tmp_path / "data", package)
    id, state = HANDLER.create(wanted, ctx)
    for name in ("database", "secrets"):
        (tmp_path / "data" / name).mkdir()
    HANDLER.delete(id, state, ctx)
    assert {p.name for p in (tmp_path / "data").iterdir()} == {".groundplan-owner", "database", "secrets"}
    assert said == [f"kept {tmp_path / 'data'}: database, secrets"]
    HANDLER.delete(id, {**state, "keep": False}, ctx)
    assert not (tmp_path / "data").exists()


def test_delete_leaves_a_folder_that_is_another_stacks_now(folder: Folder, ctx: Context) -> None:
    HANDLER.delete("s2", {"folder": str(folder.root), "stack_id": "s2", "keep": False}, ctx)
    assert folder.mine()
