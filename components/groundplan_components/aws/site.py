"""What every part on AWS knows: the stack's names, tags, zones, and what is kept when it goes."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from groundplan.plan.model import canonical, digest_of
from groundplan.spec import AwsSpec, namespace_of, zones_of


@dataclass(frozen=True)
class Site:
    """One stack on AWS. ``keep``: data outlives the stack."""

    stack: str
    keep: bool
    aws: AwsSpec
    #: The platform's namespace in the cluster, and what comes before every team's.
    namespace: str = "groundplan"
    prefix: str = ""
    #: Project → the namespace of its team; one that is not named is a team of its own.
    homes: Mapping[str, str] = field(default_factory=dict)

    def home(self, project: str) -> str:
        """Return the namespace that a project's runs are in."""
        return self.homes.get(project) or namespace_of(project, self.prefix)

    @property
    def zones(self) -> tuple[str, ...]:
        """The zone ids that the stack lives in."""
        return zones_of(self.aws)

    def name(self, part: str = "", limit: int = 63) -> str:
        """Return the one name of a part, the same on every ``up``; one too long ends in a digest of itself."""
        full = "-".join(filter(None, ("groundplan", self.stack, part))).replace("_", "-")
        if len(full) <= limit:
            return full
        return f"{full[: limit - 9].rstrip('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"

    def global_name(self, part: str) -> str:
        """Return a bucket's name, unique on earth because account and region are in it (at most 58 characters)."""
        tail = f"{self.aws.account}-{self.aws.region}"
        return f"{self.name(part, 57 - len(tail))}-{tail}"

    def tags(self, part: str, declared: Any = None, project: str = "platform") -> dict[str, str]:
        """Return the tags of a part: stack, project, and the digest of what was declared for it."""
        return {
            "Name": self.name(part, 255),
            "groundplan:stack": self.stack,
            "groundplan:project": project,
            "groundplan:digest": digest_of([part, declared]),
        }

    def arn(self, service: str, resource: str, *, region: bool = True, account: bool = True) -> str:
        """Return the ARN of something of this account."""
        place = f"{self.aws.region if region else ''}:{self.aws.account if account else ''}"
        return f"arn:aws:{service}:{place}:{resource}"


class Part(pulumi.ComponentResource):
    """A part of the platform on AWS: its resources are its children, by the provider it was given."""

    def __init__(self, kind: str, name: str, site: Site, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"groundplan:aws:{kind}", name, None, opts)
        self.site = site

    def child(self, **more: Any) -> pulumi.ResourceOptions:
        """Options of a child."""
        return pulumi.ResourceOptions(parent=self, **more)

    def kept(self, **more: Any) -> pulumi.ResourceOptions:
        """Options of a child that holds data: it outlives the stack where the stack's data is kept."""
        return self.child(retain_on_delete=self.site.keep, **more)


def document(*statements: Mapping[str, Any]) -> pulumi.Output[str]:
    """Return an IAM policy document of statements, whose values may be outputs."""
    return pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(
    actions: Sequence[str], resources: Sequence[pulumi.Input[str]], condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return a statement that allows actions on resources, under a condition where there is one."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": list(actions), "Resource": list(resources)}
    return statement | ({"Condition": condition} if condition else {})


def trust(service: str, *, actions: Sequence[str] = ("sts:AssumeRole",), account: str | None = None) -> str:
    """Return a role's trust in one service of AWS; ``account``: only when it acts for this account."""
    statement: dict[str, Any] = {"Effect": "Allow", "Principal": {"Service": service}, "Action": list(actions)}
    if account:
        statement["Condition"] = {"StringEquals": {"aws:SourceAccount": account}}
    return canonical({"Version": "2012-10-17", "Statement": [statement]})
