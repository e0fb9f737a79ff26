"""Makes ``platform/groundplan/spec/aws_offers.json``: which instance types a zone offers, and what they are.

``python -m tests.support.aws.offers <folder of the unpacked moto wheel> <its version> <date>``. AWS answers these
questions only to account holders; moto carries a dump of ``DescribeInstanceTypeOfferings`` by zone id (Apache-2.0).
"""

import gzip
import json
import sys
from pathlib import Path
from typing import Any

TABLE = Path(__file__).resolve().parents[3] / "platform/groundplan/spec/aws_offers.json"
#: Families a platform runs on; a small table is one that people can read and correct.
GENERAL = ("t3", "t4g", "m6i", "m7i", "m7g", "m8g", "c7i", "c7g", "r7i", "r7g")
GPU = ("g4dn", "g5", "g6", "g6e", "p4d", "p5")
SIZES = ("medium", "large", "xlarge", "2xlarge", "4xlarge", "8xlarge")


def main(folder: Path, version: str, as_of: str) -> None:
    """Write the table."""
    resources = folder / "moto" / "ec2" / "resources"
    types = json.loads(gzip.decompress((resources / "instance_types.json.gz").read_bytes()))
    names = sorted(name for name in types if _wanted(name))
    offered = resources / "instance_type_offerings" / "availability-zone-id"
    regions = {path.name.split(".")[0]: _region(path, names) for path in sorted(offered.glob("*.json.gz"))}
    head = {"as_of": as_of, "source": f"DescribeInstanceTypeOfferings as dumped in moto {version} (Apache-2.0)"}
    rows = [f'  "{name}": {json.dumps(_type(types[name]))}' for name in names]
    places = [f'  "{name}": {json.dumps(region)}' for name, region in regions.items()]
    top = json.dumps(head, indent=1)[:-2]
    TABLE.write_text(f'{top},\n "instances": {{\n{_lines(rows)}\n }},\n "regions": {{\n{_lines(places)}\n }}\n}}\n')


def _lines(rows: list[str]) -> str:
    return ",\n".join(rows)


def _wanted(name: str) -> bool:
    family, size = name.split(".")
    return (family in GPU and "metal" not in size) or (family in GENERAL and size in SIZES)


def _type(found: dict[str, Any]) -> dict[str, Any]:
    gpus = found.get("GpuInfo", {}).get("Gpus", [])
    gpu = {"gpu": gpus[0]["Name"], "gpus": sum(each["Count"] for each in gpus)} if gpus else {}
    return {
        "vcpus": found["VCpuInfo"]["DefaultVCpus"],
        "memory_mb": found["MemoryInfo"]["SizeInMiB"],
        "architecture": found["ProcessorInfo"]["SupportedArchitectures"][-1],
        **gpu,
    }


def _region(path: Path, names: list[str]) -> dict[str, Any]:
    """Zones, and for each type that is not in all of them the zones that have it (none: not in the region)."""
    offers: dict[str, set[str]] = {}
    for row in json.loads(gzip.decompress(path.read_bytes())):
        if row["Location"].count("-") == 1:  # local and wavelength zones are places of another kind
            offers.setdefault(row["InstanceType"], set()).add(row["Location"])
    zones = sorted(set().union(*offers.values()))
    partly = {name: sorted(offers.get(name, ())) for name in names if offers.get(name, set()) != set(zones)}
    return {"zones": zones, "only": partly}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
