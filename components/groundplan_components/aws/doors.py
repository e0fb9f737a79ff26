"""Rules of security groups: who may reach what, by group and never by an open range."""

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.site import Part


def port_from(
    part: Part, name: str, to: pulumi.Input[str], source: pulumi.Input[str], port: int, why: str
) -> aws.vpc.SecurityGroupIngressRule:
    """Let whoever carries ``source`` reach one TCP port of whoever carries ``to``."""
    return aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=to,
        referenced_security_group_id=source,
        description=why,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=part.site.tags(name, port),
        opts=part.child(),
    )


def tls_from(
    part: Part, name: str, to: pulumi.Input[str], source: pulumi.Input[str], why: str
) -> aws.vpc.SecurityGroupIngressRule:
    """Let whoever carries ``source`` reach port 443 of whoever carries ``to``."""
    return port_from(part, name, to, source, 443, why)


def tls_from_range(
    part: Part, name: str, to: pulumi.Input[str], cidr: str, why: str
) -> aws.vpc.SecurityGroupIngressRule:
    """Let a declared range, which the spec has kept from being the whole internet, reach port 443 of ``to``."""
    return aws.vpc.SecurityGroupIngressRule(
        name,
        security_group_id=to,
        cidr_ipv4=cidr,
        description=why,
        ip_protocol="tcp",
        from_port=443,
        to_port=443,
        tags=part.site.tags(name, cidr),
        opts=part.child(),
    )


def out_to(
    part: Part, name: str, of: pulumi.Input[str], target: pulumi.Input[str], port: int, why: str
) -> aws.vpc.SecurityGroupEgressRule:
    """Let whoever carries ``of`` reach one TCP port of whoever carries ``target``, and nothing else by this rule."""
    return aws.vpc.SecurityGroupEgressRule(
        name,
        security_group_id=of,
        referenced_security_group_id=target,
        description=why,
        ip_protocol="tcp",
        from_port=port,
        to_port=port,
        tags=part.site.tags(name, port),
        opts=part.child(),
    )
