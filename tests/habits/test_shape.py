"""House rules that a machine can hold: caps on size, no ``platform/__init__.py``, pure YAML in stacks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_CAP, FUNCTION_CAP, ENTRY_CAP = 400, 60, 25


def _tracked(pattern: str) -> list[Path]:
    names = subprocess.run(["git", "ls-files", pattern], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines() if (ROOT / name).exists()]


PYTHON = [p for p in _tracked("*.py")]


def test_platform_is_not_a_package() -> None:
    """``platform/__init__.py`` would hide the standard library's ``platform`` (docs/adr/0001)."""
    assert not (ROOT / "platform" / "__init__.py").exists()


def test_the_standard_library_platform_is_the_one_imported_from_the_root() -> None:
    code = "import platform; platform.system(); print(platform.__file__)"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert str(ROOT) not in out


@pytest.mark.parametrize("path", PYTHON, ids=lambda p: str(p.relative_to(ROOT)))
def test_caps(path: Path) -> None:
    """No file over 400 lines, no function over 60."""
    text = path.read_text()
    assert text.count("\n") <= FILE_CAP
    nodes = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = {n.name: n.end_lineno - n.lineno + 1 for n in nodes if (n.end_lineno or 0) - n.lineno + 1 > FUNCTION_CAP}
    assert not long


def test_the_program_stays_thin() -> None:
    assert (ROOT / "__main__.py").read_text().count("\n") <= ENTRY_CAP


def test_stacks_hold_only_yaml() -> None:
    assert not _tracked("stacks/*.py")
