"""The files that a project names: are they there, do they hold the function, what are their digests."""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from groundplan.compose.yamlfile import KeyPath
from groundplan.errors import Problem, suggest
from groundplan.spec import Finding, ProjectSpec

MAX_CODE_BYTES = 1024 * 1024


@dataclass
class Code:
    """The digests of a project's files, and what is wrong with them."""

    digests: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def named(spec: ProjectSpec) -> Iterator[tuple[KeyPath, str]]:
    """Yield every reference to a file in the project folder: its place in the spec, and itself."""
    for name, source in spec.data_sources.items():
        if source.path and not source.path.startswith("s3://"):
            yield ("data_sources", name, "path"), source.path
        if source.python:
            yield ("data_sources", name, "python"), source.python
    for name, view in spec.feature_views.items():
        for key, reference in (("sql", view.sql), ("python", view.python)):
            if reference:
                yield ("feature_views", name, key), reference
    for name, model in spec.training.items():
        yield ("training", name, "examples", "sql"), model.examples.sql
        if model.python:
            yield ("training", name, "python"), model.python


def read_code(root: Path, folder: Path, spec: ProjectSpec) -> Code:
    """Digest every file that the spec names, and all Python beside named Python. Nothing is imported."""
    code = Code()
    functions: dict[str, set[str] | None] = {}
    for path, reference in named(spec):
        file, _, function = reference.partition(":")
        problem = _missing(folder, path, file)
        if problem:
            code.findings.append(problem)
        elif not file.endswith(".py"):
            code.digests[file] = _sha256(folder / file)
        else:
            if file not in functions:
                functions[file] = _functions(root, folder / file, code)
            code.findings.extend(_no_function(path, file, function, functions[file]))
            _beside(folder, file, code)
    return code


def _missing(folder: Path, path: KeyPath, file: str) -> Finding | None:
    target = folder / file
    if not target.is_file():
        known = [str(p.relative_to(folder)) for p in sorted(folder.rglob(f"*{target.suffix}"))][:20]
        allowed = ", ".join(known) or None
        return Finding(path, "no such file in the project folder", file, allowed, suggest(file, known))
    if not target.resolve().is_relative_to(folder.resolve()):
        return Finding(path, "leads out of the project folder", file, fix="copy the file into the project")
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _functions(root: Path, path: Path, code: Code) -> set[str] | None:
    if path.stat().st_size > MAX_CODE_BYTES:
        code.problems.append(Problem(str(path.relative_to(root)), None, "", "is too large for a file of code"))
        return None
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        code.problems.append(
            Problem(str(path.relative_to(root)), error.lineno, "", f"is not valid Python: {error.msg}")
        )
        return None
    except (ValueError, RecursionError, MemoryError) as error:
        code.problems.append(Problem(str(path.relative_to(root)), None, "", f"cannot be read as Python: {error}"))
        return None
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def _no_function(path: KeyPath, file: str, function: str, known: set[str] | None) -> Iterator[Finding]:
    if known is not None and function not in known:
        allowed = ", ".join(sorted(known)) or f"{file} defines no function"
        yield Finding(path, f"no such function in {file}", function, allowed, suggest(function, known))


def _beside(folder: Path, file: str, code: Code) -> None:
    for sibling in sorted((folder / file).parent.glob("*.py")):
        name = str(sibling.relative_to(folder))
        if name not in code.digests and sibling.resolve().is_relative_to(folder.resolve()):
            code.digests[name] = _sha256(sibling)
