"""What a load test keeps of every request, and what it says of the pair that answered. Pure: no clock, no network."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: What version n of the project ``marked`` answers: its model adds 1000 n to its preprocessor's 100 - n.
MODEL_MARK, PREPROCESSOR_MARK = 1000, 100


@dataclass(frozen=True)
class Answer:
    """One request: when it was sent and answered (unix seconds), and the answer. ``error``: why there was none."""

    sent: float
    received: float
    status: int
    values: tuple[float, ...] = ()
    preprocessor_version: int | None = None
    model_version: int | None = None
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it was answered with predictions."""
        return self.status == 200 and bool(self.values)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.received - self.sent

    @property
    def halves(self) -> set[tuple[float, float]]:
        """The versions of (preprocessor, model) that made the values, as the values themselves tell."""
        return {halves_of(value) for value in self.values}

    @property
    def mixed(self) -> bool:
        """Whether two versions had a hand in it, or others than those that it names."""
        named = (self.preprocessor_version, self.model_version)
        return self.ok and (self.halves != {named} or named[0] != named[1])

    @property
    def version(self) -> float | None:
        """The version whose model half did the work; None where there was no answer."""
        return halves_of(self.values[0])[1] if self.ok else None

    def within(self, start: float, end: float) -> bool:
        """Whether it was sent and answered in a stretch of time."""
        return start <= self.sent and self.received <= end

    def touches(self, start: float, end: float) -> bool:
        """Whether it was under way at some moment of a stretch of time."""
        return self.sent <= end and self.received >= start


def halves_of(value: float) -> tuple[float, float]:
    """Return the versions of (preprocessor, model) that make ``value``; no whole numbers where no pair makes it."""
    model, rest = divmod(value, MODEL_MARK)
    return (PREPROCESSOR_MARK - rest, model)


def answer_of(sent: float, received: float, status: int, body: Any) -> Answer:
    """Return what an HTTP answer was."""
    if status != 200:
        return Answer(sent, received, status, error=str(body)[:300])
    values = tuple(float(each["value"]) for each in body["predictions"])
    return Answer(sent, received, status, values, body["preprocessor_version"], body["model_version"])


def percentile(seconds: Iterable[float], share: float) -> float:
    """Return the nearest-rank percentile (``share`` 0 to 1) of durations; NaN of none."""
    ordered = sorted(seconds)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


@dataclass(frozen=True)
class Flip:
    """One move of the alias. Moments are unix seconds.

    ``asked``: the command was sent. ``moved``: the control plane wrote the alias, which it does once every replica
    holds both versions. ``done``: the command had its answer. ``warm``: the version was held before the command.
    ``disturbed``: something else was broken or changed on purpose at the same time.
    """

    what: str
    old: int
    new: int
    asked: float
    moved: float
    done: float
    warm: bool
    disturbed: bool = False

    @property
    def start(self) -> float:
        """From when the flip counts: the command where nothing has to be loaded, else all being warm."""
        return self.asked if self.warm else self.moved

    def last_old(self, answers: Sequence[Answer]) -> float:
        """When the last answer of the old version came; the start where none came after it."""
        old = [a.received for a in answers if a.version == self.old and a.touches(self.asked, self.done)]
        return max([self.start, *old])

    def seconds(self, answers: Sequence[Answer]) -> float:
        """From the start to the last old answer."""
        return self.last_old(answers) - self.start


@dataclass(frozen=True)
class Rival:
    """Tiers that load by alias: what they answered while the alias was moved, one flip after the other."""

    answers: Sequence[Answer]
    flips: Sequence[Flip]

    def flip_seconds(self) -> float:
        """The middle flip: from the command until the last answer that was not wholly of the new version."""
        ends = [*(flip.asked for flip in self.flips[1:]), math.inf]
        return statistics.median(self._took(flip, end) for flip, end in zip(self.flips, ends, strict=True))

    def _took(self, flip: Flip, end: float) -> float:
        whole = {(flip.new, flip.new)}
        others = [a.received for a in self.answers if a.ok and a.halves != whole and flip.asked <= a.received < end]
        return max([flip.asked, *others]) - flip.asked


def not_asked_for(answers: Sequence[Answer], flips: Sequence[Flip], first: int) -> list[Answer]:
    """Return the answers of a version that nobody had asked for while they were under way.

    Between a move's command and its answer both versions may answer; before it only the old one, after it only the new
    one. ``first`` is the version before the first of the ``flips``, which follow one another.
    """
    bounds = [-math.inf, *(edge for flip in flips for edge in (flip.asked, flip.done)), math.inf]
    allowed = [{first}]
    for flip in flips:
        allowed += [{flip.old, flip.new}, {flip.new}]
    stretches = list(zip(bounds, bounds[1:], allowed, strict=False))

    def asked(answer: Answer) -> set[int]:
        return set().union(*(versions for start, end, versions in stretches if answer.touches(start, end)))

    return [answer for answer in answers if answer.ok and answer.version not in asked(answer)]
