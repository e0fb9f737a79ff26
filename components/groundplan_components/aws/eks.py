"""EKS: the control plane, who may enter it, and its add-ons. Nodes: ``nodes.py``."""

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.addons import AFTER_NODES, BEFORE_NODES, Addons
from groundplan_components.aws.doors import tls_from, tls_from_range
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.logs import log_group
from groundplan_components.aws.network import Network
from groundplan_components.aws.nodes import NodeGroups
from groundplan_components.aws.roles import attached, role
from groundplan_components.aws.site import Part, Site

LOGS = ("api", "audit", "authenticator", "controllerManager", "scheduler")
POLICIES = "arn:aws:eks::aws:cluster-access-policy"


class Cluster(Part):
    """An EKS cluster with its node groups. ``group``: the security group EKS gives control plane and nodes.

    Upgraded in place in the order that Kubernetes wants: control plane, add-ons before nodes, nodes, add-ons after.
    """

    cluster: aws.eks.Cluster
    group: pulumi.Output[str]
    nodes: NodeGroups
    #: What must stand before a pod is scheduled.
    ready: list[pulumi.Resource]

    def __init__(
        self, name: str, site: Site, network: Network, keys: Keys, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Cluster", name, site, opts)
        self.network, self.keys = network, keys
        self.cluster = self._control_plane()
        self.group = self.cluster.vpc_config.apply(lambda config: config["cluster_security_group_id"])
        self._ways_in()
        self._entries()
        before = Addons("addons-before", site, self.cluster, BEFORE_NODES, keys, self.child())
        wait = self.child(depends_on=[before, *network.ready])
        self.nodes = NodeGroups("nodes", site, self.cluster, self.group, network, wait)
        # An add-on that is made before it has nodes stays "degraded" until something changes it.
        after = Addons("addons-after", site, self.cluster, AFTER_NODES, keys, self.child(depends_on=[self.nodes]))
        self.ready = [self.nodes, after]
        self.register_outputs({"name": self.cluster.name, "endpoint": self.cluster.endpoint})

    def _control_plane(self) -> aws.eks.Cluster:
        site, spec = self.site, self.site.aws.eks
        name = site.name("", 100)
        logs = log_group(self, "cluster-logs", f"/aws/eks/{name}/cluster", spec.logs_days, self.keys)
        made = role(self, "cluster", "eks.amazonaws.com", actions=("sts:AssumeRole", "sts:TagSession"))
        policies = attached(self, "cluster", made, ["AmazonEKSClusterPolicy"])
        public = spec.endpoint == "public"
        return aws.eks.Cluster(
            "cluster",
            name=name,
            version=spec.version,
            role_arn=made.arn,
            access_config={
                "authentication_mode": "API",
                # Whoever runs `up` first would stay an administrator that nobody sees: admins are declared.
                "bootstrap_cluster_creator_admin_permissions": False,
            },
            bootstrap_self_managed_addons=False,
            enabled_cluster_log_types=list(LOGS),
            encryption_config={"resources": ["secrets"], "provider": {"key_arn": self.keys.cluster.arn}},
            kubernetes_network_config={"ip_family": "ipv4", "service_ipv4_cidr": spec.services_cidr},
            # Standard support only: what is too old is upgraded, not paid for.
            upgrade_policy={"support_type": "STANDARD"},
            vpc_config={
                "subnet_ids": self.network.private,
                "endpoint_private_access": True,
                "endpoint_public_access": public,
                **({"public_access_cidrs": list(spec.deployers)} if public else {}),
            },
            tags=site.tags("cluster", spec.model_dump(mode="json")),
            opts=self.child(depends_on=[logs, *policies]),
        )

    def _ways_in(self) -> None:
        """Let declared neighbours reach the private endpoint; a public one is restricted by EKS itself."""
        if self.site.aws.eks.endpoint == "private":
            for number, cidr in enumerate(self.site.aws.eks.deployers):
                tls_from_range(self, f"api-from-range-{number}", self.group, cidr, "Kubernetes API from deployers")
        for number, group in enumerate(self.site.aws.neighbours):
            tls_from(self, f"api-from-neighbour-{number}", self.group, group, "Kubernetes API from a neighbour")

    def _entries(self) -> None:
        eks = self.site.aws.eks
        for kind, arns, policy in (
            ("admin", eks.admins, "AmazonEKSClusterAdminPolicy"),
            ("viewer", eks.viewers, "AmazonEKSViewPolicy"),
        ):
            for arn in arns:
                self._entry(f"{kind}-{arn.rsplit('/', 1)[-1]}", arn, policy)

    def _entry(self, name: str, principal: str, policy: str) -> None:
        tags = self.site.tags(name, policy)
        entry = aws.eks.AccessEntry(
            name, cluster_name=self.cluster.name, principal_arn=principal, type="STANDARD", tags=tags, opts=self.child()
        )
        aws.eks.AccessPolicyAssociation(
            name,
            cluster_name=self.cluster.name,
            principal_arn=entry.principal_arn,
            policy_arn=f"{POLICIES}/{policy}",
            access_scope={"type": "cluster"},
            opts=self.child(),
        )
