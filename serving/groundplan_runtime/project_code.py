"""A project's own code, in the job that runs it and nowhere else: unpacked from its zip, named ``file.py:function``."""

import contextlib
import importlib.util
import io
import sys
import tempfile
import traceback
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from groundplan_runtime import storage
from groundplan_runtime.errors import RuntimeProblem


@contextlib.contextmanager
def unpacked(code_uri: str | None) -> Iterator[Path]:
    """Yield a temporary folder that holds the project's files and leads ``sys.path`` while it lasts."""
    with tempfile.TemporaryDirectory(prefix="groundplan-code-") as folder:
        root = Path(folder).resolve()
        if code_uri:
            _unpack(storage.read_bytes(code_uri), root, code_uri)
        before = list(sys.path)
        sys.path.insert(0, str(root))
        try:
            yield root
        finally:
            sys.path[:] = before


def _unpack(content: bytes, root: Path, uri: str) -> None:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for member in archive.infolist():
            if not (root / member.filename).resolve().is_relative_to(root):
                raise RuntimeProblem("a file leads out of the project folder", path=uri, value=member.filename)
        archive.extractall(root)


def text(root: Path, file: str) -> str:
    """Return one of the project's text files; RuntimeProblem when it is not in the zip."""
    path = inside(root, file)
    return path.read_text()


def inside(root: Path, file: str) -> Path:
    """Return the path of one of the project's files; RuntimeProblem when it is not there or leads out."""
    path = (root / file).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise RuntimeProblem("no such file in the project's code", path=file, fix="name a file in the project folder")
    return path


def function(root: Path, reference: str) -> Callable[..., Any]:
    """Return the function that ``file.py:function`` names; what it raises comes out as one line with its place."""
    file, _, name = reference.partition(":")
    path = inside(root, file)
    sys.path.insert(0, str(path.parent))  # what lies beside it is its to import
    module = importlib.util.module_from_spec(_spec(path))
    sys.modules[module.__name__] = module
    _called(reference, path, module.__spec__.loader.exec_module, module)  # type: ignore[union-attr]
    found = getattr(module, name, None)
    if not callable(found):
        raise RuntimeProblem("no such function", path=file, value=name, fix=f"define {name}")
    return lambda *values, **words: _called(reference, path, found, *values, **words)


def _spec(path: Path) -> Any:
    return importlib.util.spec_from_file_location(f"groundplan_project_{path.stem}", path)


def _called(reference: str, path: Path, call: Callable[..., Any], *values: Any, **words: Any) -> Any:
    try:
        return call(*values, **words)
    except RuntimeProblem:
        raise
    except Exception as error:
        traceback.print_exc()  # whole in the job's log; one line to the user
        lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
        where = f"{reference}, line {lines[-1]}" if lines else reference
        raise RuntimeProblem(f"{type(error).__name__}: {error}", path=where) from error
