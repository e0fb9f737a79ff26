"""What may be in a pair's manifest; and a folder as a file: the same bytes for the same folder."""

import copy
import io
import tarfile
from pathlib import Path
from typing import Any

import pytest

from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.transfer.manifest import checked, content_of, missing_features
from groundplan.controlplane.transfer.tarred import pack, unpack

FILES = {name: {"sha256": letter * 64, "size": 1} for name, letter in (("preprocessor", "a"), ("model", "b"))}
VIEW = {"join_keys": {"k": "string"}, "fields": {"f": "float64"}}
WHOLE: dict[str, Any] = {
    "format": 1,
    "project": "p",
    "model": "m",
    "digest": "d" * 16,
    "content": content_of(FILES),
    "source": {"stack": "dev", "stack_id": "1", "version": 3, "run_id": "r", "created_at": "2026-11-21T00:00:00Z"},
    "metrics": {"mae": 1.5},
    "features": {"name": "fs", "views": {"v": VIEW}},
    "upstream": {},
    "run": {"params": {}, "metrics": {"mae": 1.5}, "tags": {}},
    "evidence": {"approvals": [], "moves": []},
    "files": {**FILES, "holdout": {"sha256": "c" * 64, "size": 1}, "view.v": {"sha256": "d" * 64, "size": 1}},
    "views": {"v": {"entities": ["e"], "timestamp": "t", "ttl": "3h", "fields": {"f": "float64"}}},
}


def test_a_whole_one_passes_and_its_content_is_that_of_both_halves() -> None:
    assert checked(WHOLE, "p", "m") == WHOLE
    other = {**FILES, "model": {"sha256": "e" * 64, "size": 1}}
    assert content_of(other) != content_of(FILES)
    assert content_of(WHOLE["files"]) == content_of(FILES), "rows are no part of what a pair is"


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], 2),
        (["project"], "q"),
        (["digest"], None),
        (["content"], "0" * 64),
        (["files", "model"], {"sha256": "short"}),
        (["files", "../etc"], {"sha256": "a" * 64}),
        (["files", "view.../x"], {"sha256": "a" * 64}),
        (["source"], {"stack": "dev"}),
        (["source", "version"], "3"),
        (["run"], {}),
        (["metrics", "mae"], "small"),
        (["features"], {}),
        (["features", "views", "v"], {"fields": None}),
        (["views"], {}),
        (["evidence"], []),
    ],
)
def test_anything_else_is_refused_with_its_place(path: list[str], value: Any) -> None:
    given = copy.deepcopy(WHOLE)
    place = given
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(ApiProblem) as refused:
        checked(given, "p", "m")
    assert refused.value.status == 422
    assert str(refused.value.body()["error"]["path"]).startswith("manifest.")


def test_features_that_are_not_here_are_named() -> None:
    features = {"views": {"v": VIEW, "w": VIEW}}
    assert list(missing_features(features, {"v": {"fields": {"f": "float64", "g": "int64"}}})) == ["feature view w"]
    assert list(missing_features({"views": {"v": VIEW}}, {"v": {"fields": {"f": "int64"}}})) == [
        "v.f (float64; here: int64)"
    ]


def test_a_folder_is_the_same_bytes_whoever_packs_it(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name / "deep").mkdir(parents=True)
    for name, order in (("one", ("b", "deep/a")), ("two", ("deep/a", "b"))):
        for file in order:
            (tmp_path / name / file).write_text(f"text of {file}")
    (tmp_path / "two" / "b").chmod(0o600)
    packed = pack(tmp_path / "one")
    assert packed == pack(tmp_path / "two")
    back = unpack(packed, tmp_path / "back")
    assert (back / "deep" / "a").read_text() == "text of deep/a"
    assert pack(back) == packed


def test_a_tar_that_would_leave_its_folder_is_refused(tmp_path: Path) -> None:
    hostile = io.BytesIO()
    with tarfile.open(fileobj=hostile, mode="w") as archive:
        entry = tarfile.TarInfo("../outside")
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
    for data in (hostile.getvalue(), b"no tar"):
        with pytest.raises(ApiProblem, match="no half of a pair"):
            unpack(data, tmp_path / "inside")
    assert not (tmp_path / "outside").exists()
