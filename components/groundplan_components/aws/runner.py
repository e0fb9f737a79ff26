"""The way to a private Kubernetes API: a small machine in the VPC with no open port, reached by Session Manager.

It holds no credentials of the deployer: it only carries bytes. ``up`` runs where its user's credentials are, and
speaks TLS through the tunnel to the API server itself (docs/aws.md, "How up reaches the control plane").
"""

import pulumi
import pulumi_aws as aws

from groundplan.spec.offers import offers
from groundplan_components.aws.doors import tls_from
from groundplan_components.aws.eks import Cluster
from groundplan_components.aws.network import Network
from groundplan_components.aws.roles import attached, role
from groundplan_components.aws.site import Part, Site

#: Amazon Linux 2023 as AWS names its newest: patched whenever the machine is made anew.
IMAGE = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-minimal-kernel-default-{architecture}"


class Runner(Part):
    """``tunnel``: the command that opens the tunnel."""

    tunnel: pulumi.Output[str]

    def __init__(
        self, name: str, site: Site, network: Network, cluster: Cluster, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Runner", name, site, opts)
        assert site.aws.eks.runner is not None  # noqa: S101 (the target asks before it makes one)
        self.spec, self.network = site.aws.eks.runner, network
        group = self._group(cluster)
        machine = self._machine(group)
        self.tunnel = pulumi.Output.all(machine.id, cluster.cluster.endpoint).apply(self._command)
        self.register_outputs({"tunnel": self.tunnel})

    def _command(self, found: list[str]) -> str:
        machine, endpoint = found
        host = endpoint.removeprefix("https://")
        parameters = f"host={host},portNumber=443,localPortNumber={self.spec.port}"
        document = "AWS-StartPortForwardingSessionToRemoteHost"
        start = f"aws ssm start-session --region {self.site.aws.region} --target {machine}"
        return f"{start} --document-name {document} --parameters {parameters}"

    def _group(self, cluster: Cluster) -> aws.ec2.SecurityGroup:
        group = self.network.security_group("runner", "The runner: nothing comes in, TLS goes out")
        tls_from(self, "api-from-runner", cluster.group, group.id, "Kubernetes API from the runner")
        if self.network.endpoints and self.network.endpoints.group:
            tls_from(self, "endpoints-from-runner", self.network.endpoints.group.id, group.id, "TLS from the runner")
        aws.vpc.SecurityGroupEgressRule(
            "runner-out",
            security_group_id=group.id,
            cidr_ipv4="0.0.0.0/0",
            description="TLS to Session Manager and the Kubernetes API",
            ip_protocol="tcp",
            from_port=443,
            to_port=443,
            tags=self.site.tags("runner-out"),
            opts=self.child(),
        )
        return group

    def _machine(self, group: aws.ec2.SecurityGroup) -> aws.ec2.Instance:
        site = self.site
        made = role(self, "runner", "ec2.amazonaws.com")
        attached(self, "runner", made, ["AmazonSSMManagedInstanceCore"])
        tags = site.tags("runner", self.spec.model_dump(mode="json"))
        profile = aws.iam.InstanceProfile(
            "runner", name=site.name("runner", 128), role=made.name, tags=tags, opts=self.child()
        )
        template = aws.ec2.LaunchTemplate(
            "runner",
            name=site.name("runner", 128),
            image_id=IMAGE.format(architecture=offers().types[self.spec.instance].architecture),
            instance_type=self.spec.instance,
            ebs_optimized="true",
            iam_instance_profile={"arn": profile.arn},
            block_device_mappings=[{"device_name": "/dev/xvda", "ebs": {"encrypted": "true", "volume_type": "gp3"}}],
            metadata_options={"http_endpoint": "enabled", "http_tokens": "required", "http_put_response_hop_limit": 1},
            monitoring={"enabled": True},
            vpc_security_group_ids=[group.id],
            tags=tags,
            opts=self.child(),
        )
        return aws.ec2.Instance(
            "runner",
            launch_template={"id": template.id, "version": template.latest_version.apply(str)},
            subnet_id=self.network.private[0],
            tags=tags,
            opts=self.child(),
        )
