"""EKS add-ons: the network, names, volumes, roles for pods, metrics. Versions as declared, else EKS's own choice."""

import json
from collections.abc import Sequence

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.keys import USE, Keys
from groundplan_components.aws.roles import POD_ACTIONS, PODS, attached, inline, role
from groundplan_components.aws.site import Part, Site, allow

#: Add-ons that nodes need to become ready, and those whose pods need nodes.
BEFORE_NODES = ("vpc-cni", "kube-proxy", "eks-pod-identity-agent")
AFTER_NODES = ("coredns", "aws-ebs-csi-driver", "metrics-server")
#: Network policies are enforced by the network itself; volumes may grow.
SETTINGS = {"vpc-cni": json.dumps({"enableNetworkPolicy": "true"})}


class Addons(Part):
    """Some of a cluster's add-ons. ``made``: by name."""

    made: dict[str, aws.eks.Addon]

    def __init__(
        self,
        name: str,
        site: Site,
        cluster: aws.eks.Cluster,
        names: Sequence[str],
        keys: Keys,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Addons", name, site, opts)
        self.cluster, self.keys = cluster, keys
        self.made = {each: self._addon(each) for each in names}
        self.register_outputs({})

    def _addon(self, name: str) -> aws.eks.Addon:
        identity = self._identity(name)
        pinned = self.site.aws.eks.addons.get(name)  # type: ignore[call-overload]
        return aws.eks.Addon(
            name,
            addon_name=name,
            addon_version=pinned,
            cluster_name=self.cluster.name,
            configuration_values=SETTINGS.get(name),
            pod_identity_associations=[identity] if identity else None,
            resolve_conflicts_on_create="OVERWRITE",
            resolve_conflicts_on_update="OVERWRITE",
            tags=self.site.tags(name, pinned),
            opts=self.child(),
        )

    def _identity(self, name: str) -> dict[str, pulumi.Input[str]] | None:
        """Return the role of an add-on that calls AWS: for addresses, for volumes."""
        if name == "vpc-cni":
            made = self._role(name, "AmazonEKS_CNI_Policy")
            return {"role_arn": made.arn, "service_account": "aws-node"}
        if name == "aws-ebs-csi-driver":
            made = self._role(name, "service-role/AmazonEBSCSIDriverPolicy")
            key = self.keys.data.arn
            for_volumes = {"Bool": {"kms:GrantIsForAWSResource": "true"}}
            inline(self, name, made, allow(USE, [key]), allow(["kms:CreateGrant"], [key], for_volumes))
            return {"role_arn": made.arn, "service_account": "ebs-csi-controller-sa"}
        return None

    def _role(self, name: str, policy: str) -> aws.iam.Role:
        made = role(self, name, PODS, actions=POD_ACTIONS, account=self.site.aws.account)
        attached(self, name, made, [policy])
        return made
