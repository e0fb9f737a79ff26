"""Data files of installed packages are found, never imported; only files inside the package."""

import sys
from pathlib import Path

import pytest

from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.ingest import package_file


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "groundplan_test_package"
    (tmp_path / name / "data").mkdir(parents=True)
    (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / name / "data" / "x.csv").write_text("a\n1\n")
    (tmp_path / "outside.csv").write_text("a\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return name


def test_a_file_is_found_without_an_import(package: str) -> None:
    assert package_file(package, "data/x.csv").read_text() == "a\n1\n"
    assert package not in sys.modules


@pytest.mark.parametrize("file", ["data/y.csv", "../outside.csv", "data"])
def test_only_files_inside(package: str, file: str) -> None:
    with pytest.raises(RuntimeProblem, match="no such file in the package"):
        package_file(package, file)


def test_a_package_that_is_not_installed_is_named() -> None:
    with pytest.raises(RuntimeProblem, match="no such package is installed; got not_there_at_all"):
        package_file("not_there_at_all", "x.csv")
