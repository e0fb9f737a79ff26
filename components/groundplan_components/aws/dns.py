"""The door: a load balancer with a certificate and a name in front of the gateway.

The load balancer is the stack's own, not a controller's: the preview shows it, ``destroy`` removes it in order, and
no network interface is left behind that keeps the VPC from going (docs/adr/0022).
"""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from groundplan.spec import is_gpu
from groundplan.spec.cluster import NODE_PORTS, DoorName
from groundplan_components.aws.doors import out_to, port_from, tls_from_range
from groundplan_components.aws.eks import Cluster
from groundplan_components.aws.network import Network
from groundplan_components.aws.objects import Buckets
from groundplan_components.aws.site import Part, Site

#: TLS 1.3, and 1.2 with forward secrecy.
TLS = "ELBSecurityPolicy-TLS13-1-2-2021-06"


@dataclass(frozen=True)
class Behind:
    """What the balancer leads to: its node port's name, what it speaks there, and where it says that it is well."""

    name: DoorName
    protocol: str
    health: str
    answers: str


#: The gateway speaks TLS itself, with the stack's own certificate. It is asked by a node's address, which is none of
#: its hosts: any answer of HTTP says that it is there.
BEHIND = (Behind("gateway", "HTTPS", "/", "200-499"), Behind("controlplane", "HTTP", "/healthz", "200"))


class Door(Part):
    """``url``: where the platform is reached; ``api.`` before it leads to the control plane, for whoever deploys."""

    url: str

    def __init__(
        self,
        name: str,
        site: Site,
        network: Network,
        cluster: Cluster,
        buckets: Buckets,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Door", name, site, opts)
        assert site.aws.door is not None  # noqa: S101 (the target asks before it makes a door)
        self.door, self.network = site.aws.door, network
        self.url = f"https://{self.door.domain}"
        group = self.network.security_group("door", "The load balancer: TLS from declared ranges")
        for number, cidr in enumerate(self.door.allow_from):
            tls_from_range(self, f"door-from-range-{number}", group.id, cidr, "TLS from a declared range")
        balancer = self._balancer(group, buckets)
        targets: dict[str, aws.lb.TargetGroup] = {each.name: self._target(each, group, cluster) for each in BEHIND}
        self._listen(balancer, targets, self._certificate())
        for name, host in self.hosts.items():
            self._record(name, host, balancer)
        self.register_outputs({"url": self.url})

    @property
    def hosts(self) -> dict[str, str]:
        """The names in DNS, by what they lead to."""
        return {"gateway": self.door.domain, "controlplane": f"api.{self.door.domain}"}

    def _balancer(self, group: aws.ec2.SecurityGroup, buckets: Buckets) -> aws.lb.LoadBalancer:
        return aws.lb.LoadBalancer(
            "door",
            name=self.site.name("door", 32),
            load_balancer_type="application",
            internal=self.door.internal,
            subnets=self.network.private if self.door.internal else self.network.public,
            security_groups=[group.id],
            drop_invalid_header_fields=True,
            desync_mitigation_mode="strictest",
            enable_deletion_protection=False,
            idle_timeout=60,
            access_logs={"bucket": buckets.logs.id, "prefix": "door", "enabled": True},
            tags=self.site.tags("door", self.door.model_dump(mode="json")),
            # Its logs are refused until the bucket lets it write.
            opts=self.child(depends_on=[buckets]),
        )

    def _target(self, behind: Behind, door: aws.ec2.SecurityGroup, cluster: Cluster) -> aws.lb.TargetGroup:
        name, port = behind.name, NODE_PORTS[behind.name]
        nodes = self.network.nodes.id
        out_to(self, f"door-to-{name}", door.id, nodes, port, f"The {name} on nodes")
        port_from(self, f"{name}-from-door", nodes, door.id, port, f"The {name}, from the door")
        target = aws.lb.TargetGroup(
            name,
            name=self.site.name(name, 32),
            vpc_id=self.network.vpc,
            target_type="instance",
            port=port,
            protocol=behind.protocol,
            deregistration_delay=30,
            health_check={
                "protocol": behind.protocol,
                "path": behind.health,
                "matcher": behind.answers,
                "interval": 10,
            },
            tags=self.site.tags(f"{name}-target", port),
            opts=self.child(),
        )
        for pool, declared in self.site.aws.eks.node_groups.items():
            if declared.min and not is_gpu(declared):
                self._attach(f"{name}-{pool}", cluster.nodes.groups[pool], target)
        return target

    def _certificate(self) -> pulumi.Output[str]:
        """Declare a certificate, the record that proves the name to be ours, and the wait for both."""
        tags = self.site.tags("door-certificate", self.door.domain)
        asked = aws.acm.Certificate(
            "door",
            domain_name=self.hosts["gateway"],
            subject_alternative_names=[self.hosts["controlplane"]],
            validation_method="DNS",
            tags=tags,
            opts=self.child(),
        )
        proofs = [self._proof(asked, name, host) for name, host in self.hosts.items()]
        valid = aws.acm.CertificateValidation(
            "door", certificate_arn=asked.arn, validation_record_fqdns=proofs, opts=self.child()
        )
        return pulumi.Output.from_input(valid.certificate_arn)

    def _proof(self, asked: aws.acm.Certificate, name: str, host: str) -> pulumi.Output[str]:
        option = asked.domain_validation_options.apply(lambda all: next(o for o in all if o["domain_name"] == host))
        record = aws.route53.Record(
            f"{name}-validation",
            zone_id=self.door.zone_id,
            name=option.apply(lambda one: one["resource_record_name"]),
            type=option.apply(lambda one: one["resource_record_type"]),
            records=[option.apply(lambda one: one["resource_record_value"])],
            ttl=300,
            allow_overwrite=True,
            opts=self.child(),
        )
        return pulumi.Output.from_input(record.fqdn)

    def _listen(
        self, balancer: aws.lb.LoadBalancer, targets: dict[str, aws.lb.TargetGroup], certificate: pulumi.Output[str]
    ) -> None:
        listener = aws.lb.Listener(
            "door",
            load_balancer_arn=balancer.arn,
            port=443,
            protocol="HTTPS",
            ssl_policy=TLS,
            certificate_arn=certificate,
            default_actions=[{"type": "forward", "target_group_arn": targets["gateway"].arn}],
            tags=self.site.tags("door-listener"),
            opts=self.child(),
        )
        aws.lb.ListenerRule(
            "controlplane",
            listener_arn=listener.arn,
            priority=10,
            conditions=[{"host_header": {"values": [self.hosts["controlplane"]]}}],
            actions=[{"type": "forward", "target_group_arn": targets["controlplane"].arn}],
            tags=self.site.tags("controlplane-rule"),
            opts=self.child(),
        )

    def _attach(self, name: str, nodes: aws.eks.NodeGroup, target: aws.lb.TargetGroup) -> None:
        """Register every node of a group, also those that the autoscaler adds."""
        scaling = nodes.resources.apply(lambda found: found[0]["autoscaling_groups"][0]["name"])
        aws.autoscaling.Attachment(
            name, autoscaling_group_name=scaling, lb_target_group_arn=target.arn, opts=self.child()
        )

    def _record(self, name: str, host: str, balancer: aws.lb.LoadBalancer) -> None:
        alias = {"name": balancer.dns_name, "zone_id": balancer.zone_id, "evaluate_target_health": True}
        aws.route53.Record(name, zone_id=self.door.zone_id, name=host, type="A", aliases=[alias], opts=self.child())
