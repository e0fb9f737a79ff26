"""What the parts of an AWS declaration say about each other, and about what AWS offers where."""

from collections.abc import Iterator
from ipaddress import IPv4Network

from groundplan.errors import suggest
from groundplan.spec.aws import AwsSpec, NodeGroupSpec
from groundplan.spec.finding import Finding, Path
from groundplan.spec.offers import WITHOUT_EKS, Offers, offers

#: The shortest prefix that a declared way in may have: anything wider is as good as the whole internet.
WIDEST = 8
#: Policies of AWS' own that make a pod an administrator.
EVERYTHING = tuple(
    f"arn:aws:iam::aws:policy/{name}" for name in ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")
)
NARROW = "name a policy that allows what it does"
#: A VPC's own limits (AWS): its range is between these prefixes.
VPC_PREFIX = (16, 20)


def aws_findings(aws: AwsSpec) -> Iterator[Finding]:
    """Yield every mistake in an AWS declaration that its types cannot express."""
    table = offers()
    if aws.region not in table.zones:
        yield _unknown(("aws", "region"), "is no region that is known", aws.region, table.zones)
        return
    yield from _network(aws, table)
    yield from _ranges(aws)
    yield from _eks(aws)
    for name, group in aws.eks.node_groups.items():
        yield from _group(("aws", "eks", "node_groups", name), group, aws, table)
    yield from _data(aws, table)
    if aws.door is None:
        fix = "add door: {zone: example.org, zone_id: Z…, allow_from: [<ranges>]}"
        yield Finding(("aws", "door"), "says not how the platform is reached", fix=fix)
    else:
        yield from _open(("aws", "door", "allow_from"), aws.door.allow_from)


def zones_of(aws: AwsSpec) -> tuple[str, ...]:
    """Return the zones of the stack: the VPC's that is adopted, those declared, or the region's first three."""
    if aws.network.adopt:
        return tuple(sorted(aws.network.adopt.private_subnets))
    return aws.network.zones or offers().usable(aws.region)[:3]


def is_gpu(group: NodeGroupSpec) -> bool:
    """Return whether a node group's types have GPUs. False for types that the table does not know."""
    known = offers().types
    return any(known[name].gpus for name in group.instances if name in known)


def _network(aws: AwsSpec, table: Offers) -> Iterator[Finding]:
    zones, path = zones_of(aws), ("aws", "network", "adopt" if aws.network.adopt else "zones")
    for zone in zones:
        if zone not in table.zones[aws.region]:
            yield _unknown(path, f"is no zone of {aws.region}", zone, table.zones[aws.region])
        elif zone in WITHOUT_EKS:
            yield Finding(path, "has no EKS", zone, ", ".join(table.usable(aws.region)))
    if len(set(zones)) != len(zones):
        yield Finding(path, "names a zone twice", ", ".join(zones), fix="name each once")
    if len(set(zones)) < 2:
        what = "EKS and RDS need at least two zones"
        yield Finding(path, what, ", ".join(zones), ", ".join(table.usable(aws.region)))
    if not aws.network.adopt and len(zones) > 4:
        yield Finding(path, "the VPC is cut for at most four zones", str(len(zones)), fix="name four at most")
    adopt = aws.network.adopt
    if adopt and aws.door and not aws.door.internal and len(adopt.public_subnets) < 2:
        yield Finding(path, "a public door needs public subnets in two zones", fix="add public_subnets:")


def _ranges(aws: AwsSpec) -> Iterator[Finding]:
    path, own = ("aws", "network", "cidr"), IPv4Network(aws.network.cidr)
    least, most = VPC_PREFIX
    if not aws.network.adopt and not least <= own.prefixlen <= most:
        yield Finding(path, "is no size this VPC can be cut from", str(own), f"a /{least} to a /{most}")
    if not own.is_private:
        yield Finding(path, "is a range of the public internet", str(own), "10/8, 172.16/12, 192.168/16")
    for index, other in enumerate(aws.network.others):
        if own.overlaps(IPv4Network(other)):
            fix = "choose another cidr: two overlapping networks can never be joined"
            yield Finding(("aws", "network", "others", index), f"overlaps this VPC's {own}", other, fix=fix)
    if own.overlaps(IPv4Network(aws.eks.services_cidr)):
        what = f"overlaps this VPC's {own}"
        yield Finding(("aws", "eks", "services_cidr"), what, aws.eks.services_cidr, fix="use 172.20.0.0/16")


def _eks(aws: AwsSpec) -> Iterator[Finding]:
    eks, path = aws.eks, ("aws", "eks", "endpoint")
    if eks.endpoint == "public" and not eks.deployers:
        yield Finding(path, "a public endpoint is restricted to declared ranges", fix="add deployers: [<your ip>/32]")
    if eks.endpoint == "private" and not (eks.deployers or eks.runner or aws.neighbours):
        fix = "add runner: {}, or deployers: with the ranges of a VPN, or aws.neighbours:, or endpoint: public"
        yield Finding(path, "nothing declared can reach a private endpoint", eks.endpoint, fix=fix)
    yield from _open(("aws", "eks", "deployers"), eks.deployers)
    for name, irsa in eks.irsa.items():
        for index, policy in enumerate(irsa.policies):
            if policy in EVERYTHING:
                yield Finding(("aws", "eks", "irsa", name, "policies", index), "allows everything", policy, fix=NARROW)
    if not eks.admins:
        yield Finding(("aws", "eks", "admins"), "nobody could enter the cluster", fix="add the role that runs up")
    if not any(group.min and not is_gpu(group) and not group.taints for group in eks.node_groups.values()):
        what = "no group without taints has nodes at all times: the platform's own pods would have no place"
        yield Finding(("aws", "eks", "node_groups"), what, fix="give one min: 2")


def _open(path: Path, ranges: tuple[str, ...]) -> Iterator[Finding]:
    for index, text in enumerate(ranges):
        if IPv4Network(text).prefixlen < WIDEST:
            yield Finding((*path, index), "opens the door to the internet", text, f"ranges of /{WIDEST} and longer")


def _group(path: Path, group: NodeGroupSpec, aws: AwsSpec, table: Offers) -> Iterator[Finding]:
    known = [table.types[name] for name in group.instances if name in table.types]
    for index, name in enumerate(group.instances):
        if name not in table.types:
            what = f"is no instance type of the table of {table.as_of}"
            yield Finding((*path, "instances", index), what, name, fix=suggest(name, table.types))
        else:
            yield from _placed((*path, "instances", index), name, group, aws, table)
    if group.max < group.min:
        yield Finding((*path, "max"), "is less than min", str(group.max), f"at least {group.min}")
    if len({each.architecture for each in known}) > 1:
        yield Finding((*path, "instances"), "mixes architectures, and one image serves a group", fix="make two groups")
    if len({bool(each.gpus) for each in known}) > 1:
        plain = ", ".join(each.name for each in known if not each.gpus)
        yield Finding((*path, "instances"), "mixes types with GPUs and without", plain, fix="make two groups")


def _placed(path: Path, name: str, group: NodeGroupSpec, aws: AwsSpec, table: Offers) -> Iterator[Finding]:
    offered = table.zones_of(aws.region, name)
    if not offered:
        yield Finding(path, f"is not offered in {aws.region} (table of {table.as_of})", name, fix="choose another type")
        return
    for zone in group.zones or zones_of(aws):
        if zone not in zones_of(aws):
            yield Finding((*path[:-2], "zones"), "is no zone of this stack", zone, ", ".join(zones_of(aws)))
        elif zone not in offered:
            fix = f"zones: [{', '.join(z for z in zones_of(aws) if z in offered)}] for this group"
            yield Finding(path, f"is not offered in {zone} (table of {table.as_of})", name, fix=fix)


def _data(aws: AwsSpec, table: Offers) -> Iterator[Finding]:
    if aws.database.max_storage_gb < aws.database.storage_gb:
        at_least = f"at least {aws.database.storage_gb}"
        yield Finding(
            ("aws", "database", "max_storage_gb"), "is less than storage_gb", str(aws.database.max_storage_gb), at_least
        )
    to = aws.objects.replicate_to
    if to == aws.region:
        yield Finding(("aws", "objects", "replicate_to"), "is the stack's own region", to, fix="name another")
    elif to and to not in table.zones:
        yield _unknown(("aws", "objects", "replicate_to"), "is no region that is known", to, table.zones)


def _unknown(path: Path, what: str, given: str, known: object) -> Finding:
    names = sorted(str(each) for each in known)  # type: ignore[attr-defined]
    return Finding(path, what, given, ", ".join(names), suggest(given, names))
