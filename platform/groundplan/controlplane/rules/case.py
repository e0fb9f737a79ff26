"""What gates look at, and what they say. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """What one gate says of a pair version: its value, the bound it was held against, and why, in one line.

    ``passed`` is None where it cannot be said without work that has not been done yet: a preview.
    """

    passed: bool | None
    gate: str
    value: float | None
    bound: float | None
    reason: str
    fix: str | None = None


@dataclass(frozen=True)
class Case:
    """All that is known of a pair version that an alias may move to.

    ``metrics`` were measured when it was trained. ``production`` is the version that production answers with, None
    when there is none. ``scores`` are both measured on the same data (``{"candidate": {…}, "production": {…}}``);
    ``answers`` are pairs of a sample request and its answer (a list of numbers, or why there is none). Both are None
    before they were asked for.
    A version that the alias pointed to before is ``returning``: a rollback need not be better than what it replaces.
    """

    version: int
    metrics: Mapping[str, float]
    production: int | None = None
    production_metrics: Mapping[str, float] | None = None
    returning: bool = False
    trained_by: str | None = None
    asked_by: str | None = None
    #: Who approved it: {"actor", "reason", "at"}.
    approvals: Sequence[Mapping[str, Any]] = ()
    #: Who retired it, and why, in words; None for one that is not.
    retired: str | None = None
    #: The command that approves it.
    approve: str = ""
    scores: Mapping[str, Mapping[str, float]] | None = None
    answers: Sequence[Any] | None = None
