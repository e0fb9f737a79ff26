"""The price table: list prices by item and region, with their date and source."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

#: Hours of an average month, as AWS counts it.
HOURS = 730
#: The region whose prices stand in, by a factor, where a region has none of its own.
REFERENCE = "us-east-1"


@dataclass(frozen=True)
class Price:
    """USD a unit; ``rough``: from another region's price by that region's factor, or a share taken for spot."""

    usd: float
    unit: str
    rough: bool = False


@dataclass(frozen=True)
class PriceTable:
    """The table of the repository (``prices.json``), with a stack's own prices over it."""

    document: Mapping[str, Any]
    own: Mapping[str, float] = field(default_factory=dict)

    @property
    def date(self) -> str:
        """The day the prices were written down (ISO 8601)."""
        return str(self.document["date"])

    @property
    def source(self) -> str:
        """Where they are from."""
        return str(self.document["source"])

    @property
    def regions(self) -> tuple[str, ...]:
        """The regions that have prices."""
        return tuple(self.document["factors"])

    def price(self, item: str, region: str) -> Price | None:
        """Return what one unit of an item costs in a region; None where nobody knows.

        Machines are ``node.<type>`` and ``spot.<type>``, by the hour; own prices come first.
        """
        kind, _, type = item.partition(".")
        known = self._machine(kind, type, region) if kind in ("node", "spot") else self._item(item, region)
        if item in self.own:
            return Price(self.own[item], known.unit if known else self._unit(item))
        return known

    def _machine(self, kind: str, type: str, region: str) -> Price | None:
        nodes, factor = self.document["nodes"], self.document["factors"].get(region)
        own, elsewhere = nodes.get(region, {}).get(type), nodes[REFERENCE].get(type)
        usd = own if own is not None or elsewhere is None or factor is None else elsewhere * factor
        if usd is None:
            return None
        share = self.document["spot_share"].get(type[:1], self.document["spot_share"]["standard"])
        return Price(usd * share, "hour", rough=True) if kind == "spot" else Price(usd, "hour", own is None)

    def _item(self, item: str, region: str) -> Price | None:
        found, factor = self.document["items"].get(item), self.document["factors"].get(region)
        if found is None or factor is None:
            return None
        if region in found or found.get("flat") or factor == 1:
            return Price(found.get(region, found["usd"]), found["unit"])
        return Price(found["usd"] * factor, found["unit"], rough=True)

    def _unit(self, item: str) -> str:
        found = self.document["items"].get(item)
        return str(found["unit"]) if found else "hour"


def price_table(own: Mapping[str, float] | None = None) -> PriceTable:
    """Return the repository's table with a stack's own prices over it."""
    return PriceTable(_document(), own or {})


@cache
def _document() -> Mapping[str, Any]:
    text = resources.files("groundplan.cost").joinpath("prices.json").read_text(encoding="utf-8")
    return dict(json.loads(text))
