"""What takes long to import is there before the first request, since two that begin at once break it for all."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from groundplan.controlplane import adapters
from groundplan.controlplane.__main__ import LIBRARIES
from groundplan_runtime import feast_repo

SLOW = ("mlflow", "feast", "botocore")
FILES = (*Path(adapters.__path__[0]).glob("*.py"), Path(str(feast_repo.__file__)))


def _imported_late() -> Iterator[str]:
    """The modules of slow libraries that functions of the control plane import."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] in SLOW:
                yield str(node.module)


@pytest.mark.slow
def test_whatever_a_request_imports_is_there() -> None:
    late = sorted({*_imported_late()})
    assert {each.partition(".")[0] for each in late} == {*SLOW}
    code = f"import importlib, sys; [importlib.import_module(each) for each in {LIBRARIES}]"
    code += f"; print([each for each in {late} if each not in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"
