"""One role a workload, with a policy made of the plan's edges: this training reads these prefixes and no other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan.plan import Plan
from groundplan.plan.model import canonical
from groundplan.spec import namespace_of
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.objects import Buckets
from groundplan_components.aws.roles import POD_ACTIONS, PODS
from groundplan_components.aws.site import Part, Site, allow, document
from groundplan_components.aws.workloads import Workload, workloads
from groundplan_components.kubernetes.tenancy.space import RUN, account_name

READ, WRITE = ("s3:GetObject",), ("s3:PutObject", "s3:GetObject", "s3:AbortMultipartUpload")
#: The platform's own services: what they read, write and list in the bucket, and whether they may delete.
PLATFORM: Mapping[str, tuple[str, ...]] = {
    "controlplane": ("code/", "raw/", "features/", "results/", "predictions/"),
    "mlflow": ("mlflow/",),
}
#: Ray's pods answer requests, and log what was answered.
RAY, RAY_ACCOUNTS = "ray", ("ray-head", "ray-worker")
RAY_READ, RAY_WRITE = ("code/", "features/"), ("predictions/",)
#: A project's runs become one of its workloads for the time that its code runs. What they do themselves is to
#: materialize, which runs no code of users, and to take a run's results away before its next try.
RUN_READ, RUN_WRITE = ("code", "features"), ("results",)


@dataclass(frozen=True)
class Where:
    """Whose a role is: service accounts of one namespace, for one project."""

    namespace: str
    accounts: tuple[str, ...]
    project: str = "platform"


class Identities(Part):
    """``roles``: of each workload by its service account, and of each service of the platform by its name.

    ``arns``: of each workload, known to the plan.
    """

    roles: dict[str, aws.iam.Role]
    arns: dict[str, str]

    def __init__(
        self,
        name: str,
        site: Site,
        plan: Plan,
        cluster: aws.eks.Cluster,
        buckets: Buckets,
        keys: Keys,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Identities", name, site, opts)
        self.cluster, self.buckets, self.key = cluster, buckets, keys.data
        services = {name: self._service(name, prefixes) for name, prefixes in PLATFORM.items()}
        found = workloads(plan)
        runs = {project: self._runs(project) for project in sorted({each.project for each in found})}
        made = {each.account: self._workload(each, runs[each.project]) for each in found}
        by_account = {run_account(project): role for project, role in runs.items()}
        self.roles = {**services, RAY: self._ray(), **by_account, **made}
        named = {name: site.arn("iam", f"role/{site.name(name, 64)}", region=False) for name in made}
        self.arns = named
        self.register_outputs({"roles": {name: role.arn for name, role in self.roles.items()}})

    def _workload(self, each: Workload, runs: aws.iam.Role) -> aws.iam.Role:
        where = Where(namespace_of(each.team, self.site.prefix), (each.account,), each.project)
        made = self._role(each.account, where, become=runs)
        statements = [*self._objects(each.read, each.write, each.list), *_elsewhere(each.elsewhere)]
        self._policy(each.account, made, [*statements, *self._decrypt(bool(each.write))])
        return made

    def _service(self, name: str, prefixes: tuple[str, ...]) -> aws.iam.Role:
        made = self._role(name, Where(self.site.namespace, (name,)))
        more: list[Mapping[str, Any]] = [allow(["s3:DeleteObject"], self._below(prefixes))]
        if name == "controlplane":
            more += self._locked()
        self._policy(name, made, [*self._objects((), prefixes, prefixes), *more, *self._decrypt(True)])
        return made

    def _ray(self) -> aws.iam.Role:
        made = self._role(RAY, Where(self.site.namespace, RAY_ACCOUNTS))
        self._policy(RAY, made, [*self._objects(RAY_READ, RAY_WRITE, RAY_WRITE), *self._decrypt(True)])
        return made

    def _runs(self, project: str) -> aws.iam.Role:
        """Declare the role of a project's runs, in its team's namespace: they become its workloads, and no other's."""
        account = run_account(project)
        made = self._role(account, Where(self.site.home(project), (account,), project))
        read, write = ([f"{prefix}/{project}/" for prefix in each] for each in (RUN_READ, RUN_WRITE))
        workloads = self.site.arn("iam", f"role/{self.site.name(project)}-*", region=False)
        more = [allow(["s3:DeleteObject"], self._below(write)), allow(POD_ACTIONS, [workloads])]
        self._policy(account, made, [*self._objects(read, write, write), *more, *self._decrypt(True)])
        return made

    def _role(self, name: str, where: Where, become: aws.iam.Role | None = None) -> aws.iam.Role:
        """Declare a role that service accounts of this cluster take, and hand it to them."""
        tags = self.site.tags(name, [where.namespace, list(where.accounts)], where.project)
        made = aws.iam.Role(
            f"{name}-role",
            name=self.site.name(name, 64),
            description=f"Groundplan's stack {self.site.stack}: {name}",
            assume_role_policy=self._trust(where, become),
            max_session_duration=12 * 3600,
            tags=tags,
            opts=self.child(),
        )
        for account in where.accounts:
            aws.eks.PodIdentityAssociation(
                f"{account}-identity",
                cluster_name=self.cluster.name,
                namespace=where.namespace,
                service_account=account,
                role_arn=made.arn,
                tags=tags,
                opts=self.child(),
            )
        return made

    def _trust(self, where: Where, become: aws.iam.Role | None) -> pulumi.Input[str]:
        pods = {
            "Effect": "Allow",
            "Principal": {"Service": PODS},
            "Action": list(POD_ACTIONS),
            "Condition": {
                "StringEquals": {
                    "aws:SourceAccount": self.site.aws.account,
                    "aws:RequestTag/kubernetes-namespace": where.namespace,
                    "aws:RequestTag/kubernetes-service-account": list(where.accounts),
                    "aws:RequestTag/eks-cluster-name": self.site.name("", 100),
                }
            },
        }
        if become is None:
            return canonical({"Version": "2012-10-17", "Statement": [pods]})
        run = {"Effect": "Allow", "Principal": {"AWS": become.arn}, "Action": list(POD_ACTIONS)}
        return document(pods, run)

    def _policy(self, name: str, role: aws.iam.Role, statements: Sequence[Mapping[str, Any]]) -> None:
        aws.iam.RolePolicy(
            f"{name}-policy", name="access", role=role.name, policy=document(*statements), opts=self.child()
        )

    def _objects(self, read: Sequence[str], write: Sequence[str], listed: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        if read:
            yield allow(READ, self._below(read))
        if write:
            yield allow(WRITE, self._below(write))
        if listed:
            under = {"StringLike": {"s3:prefix": [f"{prefix}*" for prefix in listed]}}
            yield allow(["s3:ListBucket"], [self.buckets.data.arn], under)

    def _below(self, prefixes: Sequence[str]) -> list[pulumi.Output[str]]:
        return [pulumi.Output.concat(self.buckets.data.arn, "/", prefix, "*") for prefix in prefixes]

    def _locked(self) -> list[Mapping[str, Any]]:
        """Allow to add to what nobody may change: audit checkpoints; neither to delete nor to shorten their time."""
        arn = self.buckets.locked.arn
        below = [pulumi.Output.concat(arn, "/*")]
        return [
            allow(["s3:PutObject", "s3:GetObject", "s3:GetObjectVersion"], below),
            allow(["s3:ListBucketVersions"], [arn]),
        ]

    def _decrypt(self, write: bool) -> list[Mapping[str, Any]]:
        actions = ["kms:Decrypt", "kms:GenerateDataKey"] if write else ["kms:Decrypt"]
        through = {"StringEquals": {"kms:ViaService": f"s3.{self.site.aws.region}.amazonaws.com"}}
        return [allow(actions, [self.key.arn], through)]


def run_account(project: str) -> str:
    """Return the service account of a project's runs."""
    return account_name(project, RUN)


def _elsewhere(objects: Sequence[str]) -> list[Mapping[str, Any]]:
    return [allow(READ, [f"arn:aws:s3:::{each}" for each in objects])] if objects else []
