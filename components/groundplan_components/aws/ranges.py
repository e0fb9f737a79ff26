"""How a VPC's range is cut: per zone a large private subnet, a public one, and one for data with no way out."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network

#: Zones that a range is cut for, whether used or not: a zone added later moves no other's subnet.
ROOM = 4


@dataclass(frozen=True)
class ZoneRanges:
    """The ranges of one zone."""

    zone: str
    private: str
    public: str
    data: str


def cut(cidr: str, zones: Sequence[str]) -> tuple[ZoneRanges, ...]:
    """Return the ranges of each zone, by its place in the list: of a /16, a /19 private and /24s for the others.

    The first half's quarters are private; the small ones lie in the last eighth. At most four zones (ValueError).
    """
    if len(zones) > ROOM:
        raise ValueError(f"{len(zones)} zones; allowed: at most {ROOM}")
    whole = IPv4Network(cidr)
    private = list(whole.subnets(prefixlen_diff=3))[:ROOM]
    small = list(list(whole.subnets(prefixlen_diff=3))[-1].subnets(prefixlen_diff=5))
    rows = zip(zones, private, small[:ROOM], small[ROOM : 2 * ROOM], strict=False)
    return tuple(ZoneRanges(zone, str(a), str(b), str(c)) for zone, a, b, c in rows)
