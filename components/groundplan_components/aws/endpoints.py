"""Endpoints into AWS from inside the VPC: S3's costs nothing; the others keep what they carry off the internet."""

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.doors import tls_from
from groundplan_components.aws.site import Part, Site

#: Declared name → the services of AWS that it stands for.
SERVICES = {
    "ecr": ("ecr.api", "ecr.dkr"),
    "sts": ("sts",),
    "logs": ("logs",),
    "secretsmanager": ("secretsmanager",),
    "eks_auth": ("eks-auth",),
    "ec2": ("ec2",),
    "ssm": ("ssm", "ssmmessages"),
}


@dataclass(frozen=True)
class Place:
    """Where endpoints go: the VPC, its private subnets, the tables that lead to S3, the group that nodes carry."""

    vpc: pulumi.Output[str]
    subnets: Sequence[pulumi.Input[str]]
    tables: Sequence[aws.ec2.RouteTable]
    nodes: aws.ec2.SecurityGroup


class Endpoints(Part):
    """A gateway endpoint for S3 in every route table given, and the declared interface endpoints.

    ``group``: the security group before the latter, None without any.
    """

    group: aws.ec2.SecurityGroup | None = None

    def __init__(
        self,
        name: str,
        site: Site,
        place: Place,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Endpoints", name, site, opts)
        aws.ec2.VpcEndpoint(
            "s3",
            vpc_id=place.vpc,
            service_name=f"com.amazonaws.{site.aws.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id for table in place.tables],
            tags=site.tags("s3-endpoint"),
            opts=self.child(),
        )
        services = [service for each in site.aws.network.endpoints for service in SERVICES[each]]
        if services:
            self.group = self._group(place)
            for service in services:
                self._interface(service, place, self.group)
        self.register_outputs({})

    def _group(self, place: Place) -> aws.ec2.SecurityGroup:
        site = self.site
        group = aws.ec2.SecurityGroup(
            "endpoints-group",
            name=site.name("endpoints"),
            description="Endpoints into AWS: TLS from groups that are let in",
            vpc_id=place.vpc,
            tags=site.tags("endpoints"),
            opts=self.child(),
        )
        tls_from(self, "endpoints-from-nodes", group.id, place.nodes.id, "TLS from nodes")
        return group

    def _interface(self, service: str, place: Place, group: aws.ec2.SecurityGroup) -> None:
        name = service.replace(".", "-")
        aws.ec2.VpcEndpoint(
            name,
            vpc_id=place.vpc,
            service_name=f"com.amazonaws.{self.site.aws.region}.{service}",
            vpc_endpoint_type="Interface",
            private_dns_enabled=True,
            subnet_ids=list(place.subnets),
            security_group_ids=[group.id],
            tags=self.site.tags(f"{name}-endpoint"),
            opts=self.child(),
        )
