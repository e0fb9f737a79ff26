"""What ``stacks/<env>.yaml`` says of AWS: region, network, EKS and its node groups, data, the door to the world."""

from typing import Annotated, Literal

from pydantic import Field

from groundplan.spec._base import Model, Name
from groundplan.spec.aws_data import CacheSpec, ObjectsSpec, RdsSpec
from groundplan.spec.aws_types import (
    Account,
    ArnOfPolicy,
    ArnOfRole,
    Cidr,
    Domain,
    Instance,
    Label,
    Region,
    SecurityGroupId,
    SubnetId,
    Zone,
)

#: Interface endpoints that can be had; S3 has a gateway endpoint, which costs nothing, always.
Endpoint = Literal["ecr", "sts", "logs", "secretsmanager", "eks_auth", "ec2", "ssm"]
ADDON_PATTERN = r"^v[0-9]+\.[0-9]+\.[0-9]+-eksbuild\.[0-9]+$"
#: What flow logs and control-plane logs can be kept for, in days (CloudWatch's own steps).
LogDays = Literal[7, 14, 30, 60, 90, 180, 365, 731]


class AdoptSpec(Model):
    """A VPC that is there: its id, range and subnets by zone. Nothing in it is made, changed or removed."""

    vpc: Annotated[str, Field(pattern=r"^vpc-[0-9a-f]{8,17}$")]
    private_subnets: dict[Zone, SubnetId]
    public_subnets: dict[Zone, SubnetId] = {}


class NetworkSpec(Model):
    """The VPC. Without ``zones``: the region's first three in which EKS runs."""

    cidr: Cidr = "10.40.0.0/16"
    zones: tuple[Zone, ...] = ()
    #: ``one`` is cheap, and the zone it is in takes the others' way out with it; ``per_zone`` is what production wants.
    nat: Literal["one", "per_zone"] = "one"
    endpoints: tuple[Endpoint, ...] = ("ecr", "sts")
    flow_logs_days: LogDays = 90
    #: Ranges that are reached by peering or VPN, or belong to other stacks: this VPC's may overlap none.
    others: tuple[Cidr, ...] = ()
    adopt: AdoptSpec | None = None


class TaintSpec(Model):
    """Keeps pods away that do not tolerate it."""

    key: Label
    value: Annotated[str, Field(max_length=63)] = "true"
    effect: Literal["NO_SCHEDULE", "PREFER_NO_SCHEDULE", "NO_EXECUTE"] = "NO_SCHEDULE"


class NodeGroupSpec(Model):
    """Nodes of one kind. A group of GPU types gets GPU images, the taint ``nvidia.com/gpu`` and its label."""

    instances: Annotated[tuple[Instance, ...], Field(min_length=1)]
    market: Literal["on_demand", "spot"] = "on_demand"
    min: Annotated[int, Field(ge=0, le=450)] = 0
    max: Annotated[int, Field(ge=1, le=450)] = 3
    disk_gb: Annotated[int, Field(ge=20, le=16384)] = 80
    zones: tuple[Zone, ...] = ()
    labels: dict[Label, Annotated[str, Field(max_length=63)]] = {}
    taints: tuple[TaintSpec, ...] = ()


class RunnerSpec(Model):
    """A small machine inside the VPC with no way in but Session Manager: ``up`` reaches EKS through it."""

    instance: Instance = "t4g.medium"
    #: The port on the deployer's machine at which the tunnel to the Kubernetes API is opened.
    port: Annotated[int, Field(ge=1024, le=65535)] = 16443


AddonName = Literal[
    "vpc-cni", "kube-proxy", "eks-pod-identity-agent", "coredns", "aws-ebs-csi-driver", "metrics-server"
]


class IrsaSpec(Model):
    """A role for one service account by the cluster's OpenID provider: for what cannot take one by pod identity.

    The account is annotated by whoever makes it: ``eks.amazonaws.com/role-arn``, the stack's output ``irsa``.
    """

    namespace: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]
    account: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")]
    policies: Annotated[tuple[ArnOfPolicy, ...], Field(min_length=1, max_length=10)]


class EksSpec(Model):
    """The Kubernetes control plane and its nodes."""

    version: Literal["1.32", "1.33", "1.34"] = "1.34"
    #: ``private``: the API is reached from inside the VPC; ``public``: from ``deployers`` too, never from everywhere.
    endpoint: Literal["private", "public"] = "private"
    deployers: tuple[Cidr, ...] = ()
    runner: RunnerSpec | None = None
    admins: tuple[ArnOfRole, ...] = ()
    viewers: tuple[ArnOfRole, ...] = ()
    services_cidr: Cidr = "172.20.0.0/16"
    logs_days: LogDays = 90
    #: Versions of add-ons that are pinned; EKS takes its own choice for the others when it makes them.
    addons: dict[AddonName, Annotated[str, Field(pattern=ADDON_PATTERN)]] = {}
    irsa: dict[Name, IrsaSpec] = {}
    node_groups: dict[Name, NodeGroupSpec] = {"general": NodeGroupSpec(instances=("m7i.xlarge",), min=2, max=6)}


class DoorSpec(Model):
    """The load balancer before the gateway: ``https://<host>.<zone>``, reached from declared ranges."""

    zone: Domain
    zone_id: Annotated[str, Field(pattern=r"^Z[A-Z0-9]{5,31}$")]
    host: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")] = "ml"
    internal: bool = True
    allow_from: Annotated[tuple[Cidr, ...], Field(min_length=1)]

    @property
    def domain(self) -> str:
        """The platform's name in DNS."""
        return f"{self.host}.{self.zone}"


class AwsSpec(Model):
    """The ``aws`` target. ``account``: twelve digits, in quotes; ``up`` refuses to run in any other."""

    region: Region
    account: Account
    network: NetworkSpec = NetworkSpec()
    eks: EksSpec = EksSpec()
    database: RdsSpec = RdsSpec()
    objects: ObjectsSpec = ObjectsSpec()
    cache: CacheSpec = CacheSpec()
    door: DoorSpec | None = None
    #: Security groups of the platform's neighbours (a VPN's, a bastion's) that may reach the Kubernetes API.
    neighbours: tuple[SecurityGroupId, ...] = ()
