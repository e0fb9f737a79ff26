"""Where backups lie: one folder each, named by its time; ``new`` is being written."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from groundplan.errors import ServiceError

#: To the microsecond: two that are finished within one second are two.
NEW, STAMP = "new", "%Y%m%dT%H%M%S.%fZ"
LATEST = "latest"


@dataclass(frozen=True)
class Backups:
    """All backups below one folder."""

    root: Path

    def begin(self) -> Path:
        """Return an empty folder for a new one; what an earlier one left unfinished is removed."""
        new = self.root / NEW
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700, parents=True)
        return new

    def unfinished(self) -> Path:
        """Return the folder of the one that is being written. ServiceError when there is none."""
        new = self.root / NEW
        if not new.is_dir():
            raise ServiceError(f"{new}: no backup is being written; fix: save the database first")
        return new

    def finish(self, keep: int, at: datetime | None = None) -> Path:
        """Name the new one by its time, remove all but the newest ``keep``, and return its folder."""
        target = self.root / (at or datetime.now(UTC)).strftime(STAMP)
        self.unfinished().rename(target)
        for old in self.whole()[:-keep]:
            shutil.rmtree(old)
        return target

    def whole(self) -> Sequence[Path]:
        """Return every whole backup, oldest first."""
        return sorted(path for path in self.root.glob("[0-9]*T[0-9]*Z") if path.is_dir())

    def named(self, name: str) -> Path:
        """Return one backup by its time, or the ``latest``. ServiceError, with those there are, for another name."""
        found = {path.name: path for path in self.whole()}
        if name == LATEST and found:
            return found[max(found)]
        if name not in found:
            raise ServiceError(f"no backup {name!r} in {self.root}; there is: {', '.join(found) or 'none'}")
        return found[name]
