"""Managed node groups: on demand, spot, with GPUs; encrypted disks, no way for a pod to a node's own role."""

from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan.spec import NodeGroupSpec, is_gpu
from groundplan.spec.offers import offers
from groundplan_components.aws.network import Network
from groundplan_components.aws.roles import attached, role
from groundplan_components.aws.site import Part, Site

GPU_TAINT = {"key": "nvidia.com/gpu", "value": "true", "effect": "NO_SCHEDULE"}
MARKET = {"on_demand": "ON_DEMAND", "spot": "SPOT"}
POLICIES = ("AmazonEKSWorkerNodeMinimalPolicy", "AmazonEC2ContainerRegistryPullOnly")


class NodeGroups(Part):
    """The declared node groups. Their sizes are the autoscaler's between ``min`` and ``max``: no ``up`` resets them."""

    groups: dict[str, aws.eks.NodeGroup]

    def __init__(
        self,
        name: str,
        site: Site,
        cluster: aws.eks.Cluster,
        cluster_group: pulumi.Input[str],
        network: Network,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("NodeGroups", name, site, opts)
        self.cluster, self.network = cluster, network
        self.security_groups = [cluster_group, network.nodes.id]
        self.role = role(self, "nodes", "ec2.amazonaws.com")
        self.policies = attached(self, "nodes", self.role, POLICIES)
        self.groups = {name: self._group(name, group) for name, group in site.aws.eks.node_groups.items()}
        self.register_outputs({})

    def _group(self, name: str, spec: NodeGroupSpec) -> aws.eks.NodeGroup:
        site = self.site
        template = self._template(name, spec)
        gpu = is_gpu(spec)
        taints = [each.model_dump() for each in spec.taints] + ([GPU_TAINT] if gpu else [])
        zones = spec.zones or site.zones
        return aws.eks.NodeGroup(
            f"{name}-nodes",
            cluster_name=self.cluster.name,
            node_group_name=site.name(name),
            node_role_arn=self.role.arn,
            subnet_ids=[subnet for zone, subnet in zip(site.zones, self.network.private, strict=True) if zone in zones],
            version=self.cluster.version,
            ami_type=ami_type(spec),
            capacity_type=MARKET[spec.market],
            instance_types=list(spec.instances),
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            scaling_config={"min_size": spec.min, "max_size": spec.max, "desired_size": spec.min},
            update_config={"max_unavailable": 1},
            labels=labels(name, spec),
            taints=taints,
            tags=site.tags(f"{name}-nodes", spec.model_dump(mode="json")),
            opts=self.child(depends_on=self.policies, ignore_changes=["scalingConfig.desiredSize"]),
        )

    def _template(self, name: str, spec: NodeGroupSpec) -> aws.ec2.LaunchTemplate:
        # Only what the template holds: another maximum must not make every node anew.
        tags = self.site.tags(f"{name}-template", [spec.disk_gb])
        disk = {
            "device_name": "/dev/xvda",
            "ebs": {
                "encrypted": "true",
                "volume_size": spec.disk_gb,
                "volume_type": "gp3",
                "delete_on_termination": "true",
            },
        }
        return aws.ec2.LaunchTemplate(
            f"{name}-nodes",
            name=self.site.name(f"{name}-nodes", 128),
            update_default_version=True,
            block_device_mappings=[disk],
            # One hop and a token: a pod cannot ask the machine for the machine's own role.
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            monitoring={"enabled": True},
            vpc_security_group_ids=self.security_groups,
            tag_specifications=[{"resource_type": kind, "tags": tags} for kind in ("instance", "volume")],
            tags=tags,
            opts=self.child(),
        )


def ami_type(spec: NodeGroupSpec) -> str:
    """Return the image that EKS keeps for a group's types: for GPUs one with NVIDIA's driver."""
    if is_gpu(spec):
        return "AL2023_x86_64_NVIDIA"
    known = [offers().types[name] for name in spec.instances if name in offers().types]
    arm = any(each.architecture == "arm64" for each in known)
    return "AL2023_ARM_64_STANDARD" if arm else "AL2023_x86_64_STANDARD"


def labels(name: str, spec: NodeGroupSpec) -> dict[str, Any]:
    """Return the labels that pods choose a group by."""
    kind = {"nvidia.com/gpu.present": "true"} if is_gpu(spec) else {}
    return {"groundplan.dev/pool": name, "groundplan.dev/market": spec.market, **kind, **spec.labels}
