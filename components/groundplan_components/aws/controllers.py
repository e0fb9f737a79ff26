"""What the cluster needs of its own in EKS: a class of encrypted volumes, nodes that come and go, GPUs to ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan_components.aws import rightsizing
from groundplan_components.aws.autoscaler import autoscaler
from groundplan_components.aws.eks import Cluster
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.nodes import GPU_TAINT
from groundplan_components.aws.roles import POD_ACTIONS, PODS, inline, role
from groundplan_components.aws.site import Part, Site, allow
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.resources import StackCertificate

NAMESPACE = "kube-system"
#: The class of every volume that names no other.
STORAGE_CLASS = "gp3"
DEVICE_PLUGIN = "nvcr.io/nvidia/k8s-device-plugin:v0.17.4"
AUTOSCALER = "cluster-autoscaler"


@dataclass(frozen=True)
class Sizing:
    """Who right-sizes pods: what is asked of it (``recommend``, ``apply``), and with which certificate it is called."""

    modes: frozenset[str]
    certificate: StackCertificate | None


class Controllers(Part):
    """Volumes, autoscalers, GPU plugin. ``ready``: what must stand before a volume, or a right size, is asked for."""

    ready: list[pulumi.Resource]

    def __init__(
        self,
        name: str,
        site: Site,
        cluster: Cluster,
        keys: Keys,
        sizing: Sizing,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Controllers", name, site, opts)
        self.ready = [declare("storage-class", storage_class(site, keys.data.arn), self.child())]
        declare("gpu-plugin", device_plugin(site), self.child())
        self._scaling(cluster)
        if sizing.modes:
            self._sizing(sizing)
        self.register_outputs({})

    def _sizing(self, sizing: Sizing) -> None:
        """Run the VerticalPodAutoscaler; where something is to be applied, with a certificate of the stack's own."""
        types = [declare(each["metadata"]["name"], each, self.child()) for each in rightsizing.types()]
        self.ready += types
        held: list[pulumi.Resource] = []
        if made := sizing.certificate:
            secret = rightsizing.certificate(made.ca, made.chain, made.key)
            held = [declare("vpa-certificate", secret, self.child())]
        for title, manifest in rightsizing.objects(sizing.certificate is not None).items():
            declare(title, manifest, self.child(depends_on=[*types, *held]))

    def _scaling(self, cluster: Cluster) -> None:
        """Give the autoscaler a role that resizes this cluster's groups and no others, then run it."""
        name = cluster.cluster.name
        made = role(self, AUTOSCALER, PODS, actions=POD_ACTIONS, account=self.site.aws.account)
        inline(self, AUTOSCALER, made, *scaling_statements(self.site))
        bound = aws.eks.PodIdentityAssociation(
            AUTOSCALER,
            cluster_name=name,
            namespace=NAMESPACE,
            service_account=AUTOSCALER,
            role_arn=made.arn,
            tags=self.site.tags(AUTOSCALER),
            opts=self.child(),
        )
        for title, manifest in autoscaler(self.site, AUTOSCALER, NAMESPACE).items():
            declare(f"{AUTOSCALER}-{title}", manifest, self.child(depends_on=[bound]))


def scaling_statements(site: Site) -> tuple[dict[str, Any], ...]:
    """Return what the autoscaler may: AWS lets nobody restrict a question about groups to one of them."""
    groups = site.arn("autoscaling", "autoScalingGroup:*:autoScalingGroupName/eks-*")
    nodegroups = site.arn("eks", f"nodegroup/{site.name('', 100)}/*")
    asked = [
        "autoscaling:DescribeAutoScalingGroups", "autoscaling:DescribeAutoScalingInstances",
        "autoscaling:DescribeLaunchConfigurations", "autoscaling:DescribeScalingActivities",
        "ec2:DescribeImages", "ec2:DescribeInstanceTypes", "ec2:DescribeLaunchTemplateVersions",
        "ec2:GetInstanceTypesFromInstanceRequirements",
    ]  # fmt: skip
    ours = {"StringEquals": {"aws:ResourceTag/eks:cluster-name": site.name("", 100)}}
    return (
        allow(asked, ["*"]),
        allow(["eks:DescribeNodegroup"], [nodegroups]),
        allow(["autoscaling:SetDesiredCapacity", "autoscaling:TerminateInstanceInAutoScalingGroup"], [groups], ours),
    )


def storage_class(site: Site, key: pulumi.Input[str]) -> Manifest:
    """Return the class of volumes: encrypted with the stack's key, in the zone of their pod, growing on demand."""
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": STORAGE_CLASS, "labels": labels(site, "storage")},
        "provisioner": "ebs.csi.aws.com",
        "parameters": {"type": "gp3", "encrypted": "true", "kmsKeyId": key},
        "reclaimPolicy": "Retain" if site.keep else "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }


def device_plugin(site: Site) -> Manifest:
    """Return NVIDIA's plugin (Apache-2.0): it makes a node's GPUs the resource ``nvidia.com/gpu``."""
    name = "nvidia-device-plugin"
    container = {
        "name": name,
        "image": DEVICE_PLUGIN,
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "plugins", "mountPath": "/var/lib/kubelet/device-plugins"}],
    }
    spec = {
        "priorityClassName": "system-node-critical",
        "automountServiceAccountToken": False,
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "tolerations": [{"key": GPU_TAINT["key"], "operator": "Exists", "effect": "NoSchedule"}],
        "containers": [container],
        # The kubelet's own folder: that is how a plugin tells it of devices.
        "volumes": [{"name": "plugins", "hostPath": {"path": "/var/lib/kubelet/device-plugins"}}],
    }
    selector = {"app.kubernetes.io/name": name}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {**labels(site, "gpu"), **selector}},
        "spec": {
            "selector": {"matchLabels": selector},
            "template": {"metadata": {"labels": {**labels(site, "gpu"), **selector}}, "spec": spec},
        },
    }


def labels(site: Site, component: str) -> Mapping[str, str]:
    """Return the labels of an object outside of the platform's namespace."""
    return {
        "app.kubernetes.io/part-of": "groundplan",
        "app.kubernetes.io/managed-by": "pulumi",
        "app.kubernetes.io/component": component,
        "groundplan.dev/stack": site.stack,
    }
