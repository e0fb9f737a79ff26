"""An image's tag is what is in it."""

import shutil
from pathlib import Path

import pytest

from groundplan.errors import ToolError
from groundplan.images import IMAGES, tags
from groundplan.images.build import build_command, references, require
from groundplan.images.tags import FILES, SOURCES

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for source in SOURCES:
        (tmp_path / source).mkdir(parents=True)
        (tmp_path / source / "__init__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("edited", [*FILES, f"{SOURCES[0]}/__init__.py", f"{SOURCES[2]}/new.py"])
def test_an_edit_is_another_tag(checkout: Path, edited: str) -> None:
    before = tags(checkout)
    assert before == tags(checkout)
    with (checkout / edited).open("a") as file:
        file.write("\n# edited\n")
    after = tags(checkout)
    assert before.keys() == after.keys() == IMAGES.keys()
    assert all(before[name] != after[name] for name in before)


def test_what_is_not_in_an_image_is_not_in_its_tag(checkout: Path) -> None:
    before = tags(checkout)
    (checkout / "docs").mkdir()
    (checkout / "docs" / "x.md").write_text("x")
    (checkout / SOURCES[0] / "__pycache__").mkdir()
    (checkout / SOURCES[0] / "__pycache__" / "x.pyc").write_text("x")
    assert tags(checkout) == before


def test_a_missing_part_is_one_line(checkout: Path) -> None:
    (checkout / "uv.lock").unlink()
    with pytest.raises(ToolError, match=r"uv.lock: missing, and images are made from it; fix: restore it from git$"):
        tags(checkout)


def test_every_image_is_built_from_the_one_dockerfile(checkout: Path) -> None:
    text = (ROOT / "images/Dockerfile").read_text()
    for name, reference in references(checkout, "localhost/groundplan").items():
        command = build_command(checkout, name, reference, "python@sha256:" + "0" * 64)
        assert command[:3] == ["docker", "build", "--file"]
        assert f"EXTRAS={' '.join(IMAGES[name])}" in command
        assert "BASE=python@sha256:" + "0" * 64 in command
    assert "USER 10001:10001" in text
    assert text.count("FROM ${BASE}") == text.count("FROM ") == 2


def test_what_the_dockerfile_copies_is_in_the_context_and_in_the_tag() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    for line in (ROOT / "images/Dockerfile").read_text().splitlines():
        if not line.startswith("COPY ") or "--from" in line:
            continue
        for source in line.split()[1:-1]:
            assert f"!{source}" in ignored, source
            assert source in (*FILES, *SOURCES, "README.md"), source


def test_without_docker_it_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match=r"^docker is not installed, and images are built with it; fix: https://"):
        require()
