"""The YAML files that Hydra may see, and links that would lead out of the folder."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from groundplan.compose.yamlfile import YamlFile, read_yaml
from groundplan.errors import Problem


@dataclass(frozen=True)
class Tree:
    """The YAML files under one folder: path → content; ``problems`` are links that leave it."""

    root: Path
    folder: Path
    contents: dict[Path, bytes]
    problems: tuple[Problem, ...] = ()
    skip_prefix: str = "\0"
    _files: dict[Path, YamlFile] = field(default_factory=dict)

    @cached_property
    def digest(self) -> str:
        """The digest of every file's name and content."""
        found = hashlib.sha256()
        for path in sorted(self.contents):
            found.update(f"{path.relative_to(self.folder)}\0".encode())
            found.update(hashlib.sha256(self.contents[path]).digest())
        return found.hexdigest()

    def unchanged(self) -> bool:
        """Return whether the files on disk are still those that were read."""
        return read_tree(self.root, self.folder, skip_prefix=self.skip_prefix).digest == self.digest

    def files(self) -> dict[Path, YamlFile]:
        """Return every file, checked and indexed (once)."""
        if not self._files:
            for path, data in self.contents.items():
                self._files[path] = read_yaml(str(path.relative_to(self.root)), data)
        return self._files

    def all_problems(self) -> list[Problem]:
        """Return what makes these files unfit for Hydra."""
        return [*self.problems, *(problem for file in self.files().values() for problem in file.problems)]


def read_tree(root: Path, folder: Path, *, skip_prefix: str = "\0") -> Tree:
    """Read all YAML files under a folder that may not exist. Hidden folders are not looked into."""
    contents: dict[Path, bytes] = {}
    problems: list[Problem] = []
    for entry in _entries(folder):
        path = Path(entry.path)
        if entry.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            target = os.readlink(path)
            problems.append(Problem(str(path.relative_to(root)), None, "", "is a link that leaves its folder", target))
        elif entry.name.endswith(".yaml") and not entry.name.startswith(skip_prefix) and entry.is_file():
            contents[path] = path.read_bytes()
    return Tree(root, folder, contents, tuple(problems), skip_prefix)


def _entries(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    if not os.path.isdir(folder):
        return
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        yield entry
        if entry.is_dir(follow_symlinks=False) and not entry.name.startswith((".", "__pycache__")):
            yield from _entries(entry.path)
