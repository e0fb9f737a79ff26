"""Every error a user can meet, in one tree.

GroundplanError
├── SpecError          what people wrote is wrong (one :class:`Problem` a mistake, all at once)
├── ToolError          a program that is needed cannot be had
├── ServiceError       a service of the platform failed or does not answer
└── Refused            a rule of the platform says no
"""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake, on one line: where, what, the value given, the values allowed, the fix."""

    file: str
    line: int | None
    path: str
    what: str
    value: str | None = None
    allowed: str | None = None
    fix: str | None = None

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        parts = [f"{where}: {self.path}: {self.what}" if self.path else f"{where}: {self.what}"]
        if self.value is not None:
            parts.append(f"got {self.value}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        if self.fix is not None:
            parts.append(f"fix: {self.fix}")
        return " ".join("; ".join(parts).split())


class GroundplanError(Exception):
    """Base of all errors that are shown to a user as one line, without a traceback."""


class SpecError(GroundplanError):
    """What people wrote is wrong. Holds every problem found, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.file, p.line or 0, p.path)))
        super().__init__("\n".join(str(p) for p in self.problems))


class ToolError(GroundplanError):
    """A program that is needed cannot be found, fetched or built."""


class ServiceError(GroundplanError):
    """A service of the platform failed, or does not answer."""


class Refused(GroundplanError):
    """A rule of the platform says no: a gate, a protection, an ownership check."""


def suggest(given: str, known: Iterable[str]) -> str | None:
    """Return ``did you mean x?`` for the known word nearest to a misspelt one, or ``None``."""
    near = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else None
