"""The code that services run: a copy by digest, so that an edit in the checkout reaches them only by ``up``."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from groundplan.errors import ServiceError
from groundplan.local.folder import Folder

#: Not code: caches, and what an editor or a test leaves.
LEFT_OUT = ("__pycache__", "*.pyc", ".*")


def digest(packages: Sequence[Path]) -> str:
    """Return 16 hex digits over the names and contents of all files of these package folders."""
    total = hashlib.sha256()
    for package in sorted(packages, key=lambda p: p.name):
        for file in _files(package):
            total.update(f"{package.name}/{file.relative_to(package)}\0".encode())
            total.update(hashlib.sha256(file.read_bytes()).digest())
    return total.hexdigest()[:16]


def _files(package: Path) -> Iterator[Path]:
    for path in sorted(package.rglob("*")):
        inside = path.relative_to(package).parts
        if (
            path.is_file()
            and path.suffix != ".pyc"
            and not any(p == "__pycache__" or p.startswith(".") for p in inside)
        ):
            yield path


def stage(folder: Folder, name: str, packages: Sequence[Path]) -> None:
    """Copy the packages to ``code/<name>``, whole or not at all; nothing to do when it is there.

    Raises:
        ServiceError: a package is missing, or was edited since its digest was taken.
    """
    target = folder.code / name
    if target.is_dir():
        return
    missing = [str(package) for package in packages if not package.is_dir()]
    if missing:
        raise ServiceError(f"no such package folder: {', '.join(missing)}")
    folder.code.mkdir(mode=0o700, exist_ok=True)
    copy = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.code))
    for package in packages:
        shutil.copytree(package, copy / package.name, ignore=shutil.ignore_patterns(*LEFT_OUT))
    _require_unedited([copy / package.name for package in packages], name)
    copy.rename(target)


def _require_unedited(copies: Sequence[Path], name: str) -> None:
    if digest(copies) != name:
        shutil.rmtree(copies[0].parent)
        raise ServiceError("the platform's code was edited while `up` ran; fix: run `groundplan up` again")


def prune(folder: Folder, keep: str) -> None:
    """Remove copies that neither ``keep`` nor any service's configuration names. Call with the folder locked."""
    named = "".join(path.read_text() for path in folder.programs.glob("*.conf"))
    for path in folder.code.glob("*"):
        if path.name != keep and path.name not in named:
            shutil.rmtree(path)
