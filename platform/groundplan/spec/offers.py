"""What AWS offers where: regions, zones, instance types. A dated table of the repository, since AWS tells only users.

``aws_offers.json`` is made by ``python -m tests.support.aws.offers``; docs/aws.md says how to renew it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

#: Zones in which EKS makes no control plane (AWS's documentation of EKS, "Amazon EKS networking requirements").
WITHOUT_EKS = frozenset({"use1-az3", "usw1-az2", "cac1-az3"})


@dataclass(frozen=True)
class InstanceType:
    """One instance type: vCPUs, memory in MiB, ``x86_64`` or ``arm64``, the GPU's name and their number."""

    name: str
    vcpus: int
    memory_mb: int
    architecture: str
    gpu: str | None = None
    gpus: int = 0


@dataclass(frozen=True)
class Offers:
    """The table. ``zones``: region → zone ids; ``only``: region → type → the zones that have it, where not all do."""

    as_of: str
    types: Mapping[str, InstanceType]
    zones: Mapping[str, tuple[str, ...]]
    only: Mapping[str, Mapping[str, tuple[str, ...]]]

    def zones_of(self, region: str, instance: str) -> tuple[str, ...]:
        """Return the zones of a region that offer an instance type. KeyError for an unknown region."""
        return self.only[region].get(instance, self.zones[region])

    def usable(self, region: str) -> tuple[str, ...]:
        """Return the zones of a region in which EKS runs. KeyError for an unknown region."""
        return tuple(zone for zone in self.zones[region] if zone not in WITHOUT_EKS)


@cache
def offers() -> Offers:
    """Return the table, read once."""
    table: dict[str, Any] = json.loads(Path(__file__).with_name("aws_offers.json").read_text(encoding="utf-8"))
    types = {name: InstanceType(name, **row) for name, row in table["instances"].items()}
    zones = {region: tuple(row["zones"]) for region, row in table["regions"].items()}
    only = {region: {t: tuple(z) for t, z in row["only"].items()} for region, row in table["regions"].items()}
    return Offers(table["as_of"], types, zones, only)
