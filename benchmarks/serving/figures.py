"""The arithmetic of the benchmark: percentiles, rates, medians over rounds, ratios. Pure."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hit:
    """One request: seconds since the first was sent, seconds until its answer, whether the answer was good."""

    number: int
    sent: float
    took: float
    good: bool


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least ``percent`` of all do not exceed (nearest rank); NaN of none."""
    if not values:
        return math.nan
    rank = max(1, math.ceil(percent / 100 * len(values)))
    return sorted(values)[rank - 1]


def since_intended(hits: Sequence[Hit], rate: float) -> list[float]:
    """Return seconds from when each request was due to its answer, for a constant rate (requests a second).

    A request that the generator sent late (since it was held up itself) counts from when it should have been sent: no
    coordinated omission.
    """
    return [hit.sent + hit.took - hit.number / rate for hit in hits]


def throughput(hits: Sequence[Hit]) -> float:
    """Return good answers a second, from the first request to the last answer; 0 of none."""
    good = [hit for hit in hits if hit.good]
    if not good:
        return 0.0
    return len(good) / max(hit.sent + hit.took for hit in hits)


def median_of(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of each figure over the rounds that have it."""
    names = dict.fromkeys(name for each in rounds for name in each)
    return {name: statistics.median(each[name] for each in rounds if name in each) for name in names}


def ratios(found: Mapping[str, Mapping[str, float]], ours: str, figure: str) -> dict[str, float]:
    """Return how many times ``ours`` is each other one, in a figure that is better when larger."""
    mine = found[ours][figure]
    return {name: mine / each[figure] for name, each in found.items() if name != ours and each.get(figure)}


@dataclass(frozen=True)
class Goal:
    """``ours`` is to be at least ``times`` the best of ``rivals``."""

    ours: str
    rivals: tuple[str, ...]
    times: float

    def of(self, found: Mapping[str, Mapping[str, float]], figure: str) -> float | None:
        """Return what it is, None where one of them was not measured."""
        best = max((found[name][figure] for name in self.rivals if found.get(name, {}).get(figure)), default=0.0)
        mine = found.get(self.ours, {}).get(figure)
        return mine / best if mine and best else None


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as a Markdown table; what a row lacks is left empty."""
    lines = [columns, ["---"] * len(columns), *([str(row.get(name, "")) for name in columns] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
