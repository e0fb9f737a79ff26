"""A bill: what a stack takes in a month, as lines of items without prices; kept with what was deployed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundplan.capacity import PLATFORM


@dataclass(frozen=True)
class Line:
    """Between ``low`` and ``high`` units of an item a month, for one component, on one project's account."""

    component: str
    item: str
    low: float
    high: float
    project: str = PLATFORM
    note: str = ""


@dataclass(frozen=True)
class Bill:
    """All lines of a stack, in one region; nothing is billed where there is none (``local``, ``kind``)."""

    region: str = ""
    lines: tuple[Line, ...] = ()
    #: Project → GPU-hours a month, least and most: serving and training.
    gpu_hours: Mapping[str, tuple[float, float]] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values: what a deployment keeps as its output ``bill``."""
        hours = {project: list(pair) for project, pair in (self.gpu_hours or {}).items()}
        return {"region": self.region, "lines": [asdict(line) for line in self.lines], "gpu_hours": hours}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> "Bill":
        """Return the bill that :meth:`to_dict` wrote."""
        lines = tuple(Line(**line) for line in document["lines"])
        hours = {name: (pair[0], pair[1]) for name, pair in document["gpu_hours"].items()}
        return cls(document["region"], lines, hours)


def tidy(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return the lines that say anything, with quantities of four digits behind the point."""
    kept = (Line(x.component, x.item, round(x.low, 4), round(x.high, 4), x.project, x.note) for x in lines)
    return tuple(line for line in kept if line.high > 0)
