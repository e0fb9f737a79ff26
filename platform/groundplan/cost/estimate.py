"""From a bill to USD a month: by line, by component, by project; and how two bills differ."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from groundplan.cost.bill import Bill, Line
from groundplan.cost.prices import PriceTable


@dataclass(frozen=True)
class Range:
    """USD a month, at least and at most."""

    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: "Range") -> "Range":
        return Range(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Range") -> "Range":
        return Range(self.low - other.low, self.high - other.high)

    @property
    def rounded(self) -> "Range":
        """The same to the cent."""
        return Range(round(self.low, 2) + 0.0, round(self.high, 2) + 0.0)

    def __bool__(self) -> bool:
        rounded = self.rounded
        return bool(rounded.low or rounded.high)


@dataclass(frozen=True)
class Row:
    """A line of the bill with its price."""

    line: Line
    unit: str
    usd: float
    cost: Range
    rough: bool


@dataclass(frozen=True)
class Estimate:
    """What a bill costs a month. ``unpriced``: items that nobody has a price for, which are not in it."""

    region: str
    date: str
    source: str
    rows: tuple[Row, ...]
    unpriced: tuple[str, ...]
    gpu_hours: Mapping[str, tuple[float, float]]

    @property
    def total(self) -> Range:
        """Everything together."""
        return _sum(row.cost for row in self.rows)

    @property
    def by_component(self) -> dict[str, Range]:
        """By component, the most expensive first."""
        return _grouped(self.rows, lambda row: row.line.component)

    @property
    def by_project(self) -> dict[str, Range]:
        """By project, the most expensive first; ``platform`` is what no project asked for."""
        return _grouped(self.rows, lambda row: row.line.project)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, in USD a month."""
        groups = {"by_component": self.by_component, "by_project": self.by_project}
        return {
            "estimate": True,
            "region": self.region,
            "prices": {"date": self.date, "source": self.source},
            "usd_per_month": _pair(self.total),
            **{name: {key: _pair(cost) for key, cost in found.items()} for name, found in groups.items()},
            "gpu_hours": {name: {"low": pair[0], "high": pair[1]} for name, pair in self.gpu_hours.items()},
            "lines": [_line(row) for row in self.rows],
            "unpriced": list(self.unpriced),
        }


def estimate(bill: Bill, prices: PriceTable) -> Estimate:
    """Price every line of a bill."""
    rows, unpriced = [], dict[str, None]()
    for line in bill.lines:
        price = prices.price(line.item, bill.region)
        if price is None:
            unpriced[line.item] = None
            continue
        cost = Range(line.low * price.usd, line.high * price.usd)
        rows.append(Row(line, price.unit, price.usd, cost, price.rough))
    return Estimate(bill.region, prices.date, prices.source, tuple(rows), tuple(unpriced), dict(bill.gpu_hours or {}))


def delta(before: Mapping[str, Range], after: Mapping[str, Range]) -> dict[str, Range]:
    """Return how much each group costs more (or, negative, less) than before; those that cost the same are left out."""
    names = dict.fromkeys([*after, *before])
    changes = {name: after.get(name, Range()) - before.get(name, Range()) for name in names}
    return {name: change.rounded for name, change in changes.items() if change}


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> dict[str, Range]:
    found: dict[str, Range] = {}
    for row in rows:
        found[key(row)] = found.get(key(row), Range()) + row.cost
    return dict(sorted(found.items(), key=lambda pair: (-pair[1].high, pair[0])))


def _sum(costs: Iterable[Range]) -> Range:
    total = Range()
    for cost in costs:
        total = total + cost
    return total


def _pair(cost: Range) -> dict[str, float]:
    return {"low": cost.rounded.low, "high": cost.rounded.high}


def _line(row: Row) -> dict[str, Any]:
    line = row.line
    return {
        "component": line.component,
        "project": line.project,
        "item": line.item,
        "unit": row.unit,
        "usd_per_unit": row.usd,
        "quantity": {"low": line.low, "high": line.high},
        "usd": _pair(row.cost),
        "approximated": row.rough,
        **({"note": line.note} if line.note else {}),
    }
