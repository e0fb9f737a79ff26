"""The network: a VPC over several zones, its ways out, endpoints into AWS, flow logs; or one that is there."""

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.endpoints import Endpoints, Place
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.logs import log_group
from groundplan_components.aws.ranges import ZoneRanges, cut
from groundplan_components.aws.site import Part, Site, allow, document, trust


class Network(Part):
    """``vpc``, and subnets in the order of the stack's zones. ``nodes``: the security group that says "a node".

    Security groups name each other, never ranges: whoever carries ``nodes`` may reach database and cache.
    """

    vpc: pulumi.Output[str]
    private: list[pulumi.Output[str]]
    public: list[pulumi.Output[str]]
    data: list[pulumi.Output[str]]
    nodes: aws.ec2.SecurityGroup
    endpoints: Endpoints | None = None
    #: What nodes need before they can join: their way out.
    ready: list[pulumi.Resource]

    def __init__(self, name: str, site: Site, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Network", name, site, opts)
        self.ready = []
        if site.aws.network.adopt:
            self._adopt()
        else:
            self._make(keys)
        outputs = {"vpc": self.vpc, "private": self.private, "data": self.data}
        self.register_outputs(outputs)

    def security_group(self, name: str, description: str) -> aws.ec2.SecurityGroup:
        """Declare a security group without a rule."""
        full = self.site.name(name)
        tags = self.site.tags(name, description)
        group = {"name": full, "description": description, "vpc_id": self.vpc, "tags": tags}
        return aws.ec2.SecurityGroup(f"{name}-group", **group, opts=self.child())

    def _adopt(self) -> None:
        adopt = self.site.aws.network.adopt
        assert adopt is not None  # noqa: S101 (what the caller has asked)
        self.vpc = pulumi.Output.from_input(adopt.vpc)
        self.private = [pulumi.Output.from_input(adopt.private_subnets[zone]) for zone in self.site.zones]
        self.public = [pulumi.Output.from_input(subnet) for _, subnet in sorted(adopt.public_subnets.items())]
        self.data = self.private
        self._nodes()

    def _nodes(self) -> None:
        self.nodes = self.security_group("nodes", "Nodes of the cluster; others let in whoever carries this group")

    def _make(self, keys: Keys) -> None:
        site, spec = self.site, self.site.aws.network
        vpc = aws.ec2.Vpc(
            "vpc",
            cidr_block=spec.cidr,
            enable_dns_hostnames=True,
            enable_dns_support=True,
            tags=site.tags("vpc", spec.cidr),
            opts=self.child(),
        )
        self.vpc = pulumi.Output.from_input(vpc.id)
        # The group that a VPC is born with lets its members reach each other: nobody shall be one by accident.
        tags = site.tags("default-group")
        aws.ec2.DefaultSecurityGroup("default-group", vpc_id=vpc.id, tags=tags, opts=self.child())
        ranges = cut(spec.cidr, site.zones)
        self.public = [self._subnet("public", each.zone, each.public, "kubernetes.io/role/elb") for each in ranges]
        self.private = [
            self._subnet("private", each.zone, each.private, "kubernetes.io/role/internal-elb") for each in ranges
        ]
        self.data = [self._subnet("data", each.zone, each.data) for each in ranges]
        tables = self._ways_out(ranges)
        self._nodes()
        place = Place(self.vpc, self.private, tables, self.nodes)
        self.endpoints = Endpoints("endpoints", site, place, self.child())
        self._flow_logs(keys)

    def _subnet(self, kind: str, zone: str, cidr: str, role: str | None = None) -> pulumi.Output[str]:
        name = f"{kind}-{zone}"
        tags = self.site.tags(name, cidr) | ({role: "1"} if role else {})
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=self.vpc,
            availability_zone_id=zone,
            cidr_block=cidr,
            map_public_ip_on_launch=False,
            tags=tags,
            opts=self.child(),
        )
        return pulumi.Output.from_input(subnet.id)

    def _ways_out(self, ranges: tuple[ZoneRanges, ...]) -> list[aws.ec2.RouteTable]:
        """Declare gateways and routes; return the tables of private and data subnets, which endpoints go into."""
        internet = aws.ec2.InternetGateway(
            "internet", vpc_id=self.vpc, tags=self.site.tags("internet"), opts=self.child()
        )
        outside = self._table("public", [{"cidr_block": "0.0.0.0/0", "gateway_id": internet.id}])
        for each, subnet in zip(ranges, self.public, strict=True):
            self._associate(f"public-{each.zone}", subnet, outside)
        zones = [each.zone for each in ranges]
        gateways = [self._nat(zone, n) for n, zone in enumerate(zones if self._per_zone else zones[:1])]
        tables = [
            self._table(f"private-{zone}", [{"cidr_block": "0.0.0.0/0", "nat_gateway_id": gateway.id}])
            for zone, gateway in zip(zones, gateways, strict=False)
        ]
        for number, (each, subnet) in enumerate(zip(ranges, self.private, strict=True)):
            self._associate(f"private-{each.zone}", subnet, tables[number if self._per_zone else 0])
        closed = self._table("data", [])
        for each, subnet in zip(ranges, self.data, strict=True):
            self._associate(f"data-{each.zone}", subnet, closed)
        self.ready += tables
        return [*tables, closed]

    @property
    def _per_zone(self) -> bool:
        return self.site.aws.network.nat == "per_zone"

    def _nat(self, zone: str, number: int) -> aws.ec2.NatGateway:
        name = f"nat-{zone}"
        tags = self.site.tags(name)
        address = aws.ec2.Eip(name, domain="vpc", tags=tags, opts=self.child())
        subnet = self.public[number]
        return aws.ec2.NatGateway(name, allocation_id=address.id, subnet_id=subnet, tags=tags, opts=self.child())

    def _table(self, name: str, routes: list[dict[str, pulumi.Input[str]]]) -> aws.ec2.RouteTable:
        tags = self.site.tags(f"{name}-routes")
        return aws.ec2.RouteTable(f"{name}-routes", vpc_id=self.vpc, routes=routes, tags=tags, opts=self.child())

    def _associate(self, name: str, subnet: pulumi.Output[str], table: aws.ec2.RouteTable) -> None:
        made = aws.ec2.RouteTableAssociation(
            f"{name}-routes", subnet_id=subnet, route_table_id=table.id, opts=self.child()
        )
        self.ready.append(made)

    def _flow_logs(self, keys: Keys) -> None:
        site = self.site
        tags = site.tags("flow-logs", site.aws.network.flow_logs_days)
        group = log_group(self, "flow-logs", f"/groundplan/{site.stack}/flow", site.aws.network.flow_logs_days, keys)
        role = aws.iam.Role(
            "flow-logs-role",
            name=site.name("flow-logs", 64),
            assume_role_policy=trust("vpc-flow-logs.amazonaws.com", account=site.aws.account),
            tags=tags,
            opts=self.child(),
        )
        written = pulumi.Output.concat(group.arn, ":*")
        put = allow(["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"], [written])
        aws.iam.RolePolicy("flow-logs-policy", name="write", role=role.name, policy=document(put), opts=self.child())
        aws.ec2.FlowLog(
            "flow-logs",
            vpc_id=self.vpc,
            traffic_type="ALL",
            log_destination_type="cloud-watch-logs",
            log_destination=group.arn,
            iam_role_arn=role.arn,
            max_aggregation_interval=60,
            tags=tags,
            opts=self.child(),
        )
