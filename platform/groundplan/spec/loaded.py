"""A project as loaded: its spec and the digests of the files that it names."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from groundplan.spec.project import ProjectSpec


@dataclass(frozen=True)
class LoadedProject:
    """A valid project. ``code``: path relative to the project folder → sha256 of each file that it names."""

    spec: ProjectSpec
    code: Mapping[str, str]
    root: Path = Path()

    @property
    def source(self) -> str:
        """The project folder, relative to the checkout."""
        return f"projects/{self.spec.name}"

    def file(self, path: str) -> Path:
        """Return where a file named in the project lies."""
        return self.root / self.source / path

    def code_digest(self, reference: str) -> str:
        """Return the digest of what a reference brings in: a file's own, or ``file.py:function``'s whole folder.

        Python beside the named file counts too: what a module imports from its siblings is part of what it does.
        """
        path = reference.partition(":")[0]
        if not path.endswith(".py"):
            return self.code[path]
        folder = PurePosixPath(path).parent
        lines = [f"{p} {sha}" for p, sha in sorted(self.code.items()) if _beside(p, folder)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _beside(path: str, folder: PurePosixPath) -> bool:
    return path.endswith(".py") and PurePosixPath(path).parent == folder
