"""Roles: one for each thing that acts, trusted by one service, with policies that name what they allow."""

from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.site import Part, document, trust

#: The service that hands roles to pods, and what a trust in it has to allow.
PODS = "pods.eks.amazonaws.com"
POD_ACTIONS = ("sts:AssumeRole", "sts:TagSession")


def role(
    part: Part, name: str, service: str, *, actions: Sequence[str] = ("sts:AssumeRole",), account: str | None = None
) -> aws.iam.Role:
    """Declare a role that one service of AWS may take, as a child of ``part``."""
    return aws.iam.Role(
        f"{name}-role",
        name=part.site.name(name, 64),
        description=f"Groundplan's stack {part.site.stack}: {name}",
        assume_role_policy=trust(service, actions=actions, account=account),
        tags=part.site.tags(f"{name}-role", service),
        opts=part.child(),
    )


def attached(part: Part, name: str, to: aws.iam.Role, policies: Sequence[str]) -> list[pulumi.Resource]:
    """Attach policies of AWS's own by their names, as children of ``part``."""
    return [
        aws.iam.RolePolicyAttachment(
            f"{name}-{policy.rsplit('/', 1)[-1]}",
            role=to.name,
            policy_arn=f"arn:aws:iam::aws:policy/{policy}",
            opts=part.child(),
        )
        for policy in policies
    ]


def inline(part: Part, name: str, to: aws.iam.Role, *statements: dict[str, object]) -> aws.iam.RolePolicy:
    """Give a role a policy of its own, which goes with it."""
    return aws.iam.RolePolicy(
        f"{name}-policy", name=name, role=to.name, policy=document(*statements), opts=part.child()
    )
