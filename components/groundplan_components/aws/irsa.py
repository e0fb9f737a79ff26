"""Roles by the cluster's OpenID provider (IRSA): for controllers and pods that cannot take one by pod identity."""

from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan.spec.aws import IrsaSpec
from groundplan_components.aws.site import Part, Site, document

AUDIENCE = "sts.amazonaws.com"


class Irsa(Part):
    """``roles``: declared name → the ARN that the service account is annotated with."""

    roles: dict[str, pulumi.Output[str]]

    def __init__(
        self, name: str, site: Site, cluster: aws.eks.Cluster, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Irsa", name, site, opts)
        issuer = cluster.identities.apply(_issuer)
        provider = aws.iam.OpenIdConnectProvider(
            "cluster",
            url=issuer,
            client_id_lists=[AUDIENCE],
            tags=site.tags("cluster-issuer"),
            opts=self.child(),
        )
        self.roles = {
            each: self._role(each, spec, provider.arn, issuer) for each, spec in sorted(site.aws.eks.irsa.items())
        }
        self.register_outputs({"roles": self.roles})

    def _role(
        self, name: str, spec: IrsaSpec, provider: pulumi.Output[str], issuer: pulumi.Output[str]
    ) -> pulumi.Output[str]:
        role = aws.iam.Role(
            f"irsa-{name}",
            name=self.site.name(f"irsa-{name}", 64),
            description=f"Groundplan's stack {self.site.stack}: {spec.namespace}/{spec.account}",
            assume_role_policy=_trust(spec, provider, issuer),
            tags=self.site.tags(f"irsa-{name}", spec.model_dump(mode="json")),
            opts=self.child(),
        )
        for policy in spec.policies:
            aws.iam.RolePolicyAttachment(
                f"irsa-{name}-{policy.rsplit('/', 1)[-1]}", role=role.name, policy_arn=policy, opts=self.child()
            )
        return pulumi.Output.from_input(role.arn)


def _trust(spec: IrsaSpec, provider: pulumi.Output[str], issuer: pulumi.Output[str]) -> pulumi.Output[str]:
    """Trust one service account of one namespace of this cluster, and tokens made for STS alone."""
    return pulumi.Output.all(provider, issuer).apply(lambda found: document(_statement(spec, found[0], found[1])))


def _statement(spec: IrsaSpec, provider: str, issuer: str) -> dict[str, Any]:
    named = issuer.removeprefix("https://")
    account = f"system:serviceaccount:{spec.namespace}:{spec.account}"
    return {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{named}:sub": account, f"{named}:aud": AUDIENCE}},
    }


def _issuer(identities: Any) -> str:
    return str(identities[0]["oidcs"][0]["issuer"])
