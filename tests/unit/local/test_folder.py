"""Whose data folder it is, and how closed."""

import os
from pathlib import Path

import pytest

from groundplan.errors import Refused, ServiceError
from groundplan.local.folder import LONGEST_SOCKET, OWNER, Folder, Owner, private, short_folder, write_private


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_new_folder_is_made_closed_and_names_its_owner(folder: Folder) -> None:
    assert mode(folder.root) == 0o700
    assert mode(folder.root / OWNER) == 0o600
    assert folder.mine()
    assert folder.owner() == Owner("s1", "local", str(folder.root.parent))


def test_it_is_adopted_by_its_own_stack_only(folder: Folder) -> None:
    folder.claim(Owner("s1", "renamed", "/elsewhere"))
    assert folder.owner() == Owner("s1", "local", str(folder.root.parent))
    other = Folder(folder.root, "s2")
    with pytest.raises(Refused, match=r"belongs to stack local of .*; fix: choose another `local.data_dir`"):
        other.claim(Owner("s2", "local", "/clone"))
    with pytest.raises(Refused):
        other.verify()
    assert not other.mine()


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("x")
    with pytest.raises(Refused, match="is no data folder of Groundplan"):
        Folder(tmp_path, "s1").claim(Owner("s1", "local", "/clone"))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_claim_that_was_cut_off_is_made_again(tmp_path: Path) -> None:
    (tmp_path / OWNER).write_text("")
    Folder(tmp_path, "s1").claim(Owner("s1", "local", "/clone"))
    assert Folder(tmp_path, "s1").mine()


def test_a_folder_that_is_gone_is_said_so(tmp_path: Path) -> None:
    gone = Folder(tmp_path / "none", "s1")
    assert not gone.mine()
    with pytest.raises(ServiceError, match="is no data folder"):
        gone.verify()


def test_a_long_path_has_its_socket_elsewhere(tmp_path: Path) -> None:
    near, far = Folder(Path("/srv/data"), "abcdefghij"), Folder(tmp_path / ("x" * LONGEST_SOCKET), "abcdefghij")
    assert near.socket == Path("/srv/data/supervisor/control.sock")
    assert far.socket == short_folder("abcdefghij") / "control.sock"
    assert len(os.fsencode(far.socket)) < LONGEST_SOCKET


def test_a_private_folder_is_nobody_elses_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(Refused):
        private(tmp_path / "link")
    (tmp_path / "open").mkdir(mode=0o755)
    assert mode(private(tmp_path / "open")) == 0o700


def test_a_private_file_is_whole_and_closed(tmp_path: Path) -> None:
    write_private(tmp_path / "f", "one")
    write_private(tmp_path / "f", "two")
    assert (tmp_path / "f").read_text() == "two"
    assert mode(tmp_path / "f") == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["f"]
