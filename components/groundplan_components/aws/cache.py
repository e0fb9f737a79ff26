"""Valkey on ElastiCache: the online store. TLS always; a user who may everything, and one who only reads features."""

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.doors import port_from
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.logs import log_group
from groundplan_components.aws.network import Network
from groundplan_components.aws.site import Part, Site

PORT = 6379
VERSION, FAMILY = "8.0", "valkey8"
LOG_DAYS = 30


#: Who only reads, and what it may, as the local online store has it (``groundplan_runtime.isolation.online_user``).
READER = "feast_reader"
READS = "on %R~* -@all +hmget +auth +hello +ping +select +client|setinfo"


class Cache(Part):
    """``address`` and ``port``. The passwords are the stack's own: pods read them from a Kubernetes secret."""

    group: aws.elasticache.ReplicationGroup
    address: pulumi.Output[str]
    port = PORT

    def __init__(
        self,
        name: str,
        site: Site,
        network: Network,
        keys: Keys,
        password: pulumi.Input[str],
        reader: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Cache", name, site, opts)
        door = network.security_group("cache", "Valkey: from nodes only")
        port_from(self, "cache-from-nodes", door.id, network.nodes.id, PORT, "Valkey from nodes")
        self.group = self._group(network, keys, door, self._users(password, reader))
        self.address = self.group.primary_endpoint_address
        self.register_outputs({"address": self.address})

    def _group(
        self, network: Network, keys: Keys, door: aws.ec2.SecurityGroup, users: aws.elasticache.UserGroup
    ) -> aws.elasticache.ReplicationGroup:
        site, spec = self.site, self.site.aws.cache
        copies = spec.replicas + 1
        subnets = aws.elasticache.SubnetGroup(
            "cache",
            name=site.name("cache", 255),
            subnet_ids=network.data,
            tags=site.tags("cache-subnets"),
            opts=self.child(),
        )
        return aws.elasticache.ReplicationGroup(
            "cache",
            replication_group_id=site.name("cache", 40),
            description=f"Online store of Groundplan's stack {site.stack}",
            engine="valkey",
            engine_version=VERSION,
            parameter_group_name=self._parameters().name,
            node_type=spec.instance,
            port=PORT,
            num_cache_clusters=copies,
            automatic_failover_enabled=copies > 1,
            multi_az_enabled=copies > 1,
            subnet_group_name=subnets.name,
            security_group_ids=[door.id],
            at_rest_encryption_enabled=True,
            kms_key_id=keys.data.arn,
            transit_encryption_enabled=True,
            transit_encryption_mode="required",
            user_group_ids=[users.user_group_id],
            snapshot_retention_limit=spec.snapshot_days,
            snapshot_window="02:00-03:00",
            maintenance_window="sun:04:00-sun:05:00",
            auto_minor_version_upgrade=True,
            final_snapshot_identifier=site.name("cache-final", 255) if site.keep and spec.snapshot_days else None,
            log_delivery_configurations=[self._log(kind, keys) for kind in ("slow-log", "engine-log")],
            tags=site.tags("cache", spec.model_dump(mode="json")),
            opts=self.child(),
        )

    def _users(self, password: pulumi.Input[str], reader: pulumi.Input[str]) -> aws.elasticache.UserGroup:
        """Declare both users. ``default`` is who gives a password and no name; without one of ours it needs none."""
        site = self.site
        named = (("default", "on ~* +@all", password), (READER, READS, reader))
        users = [
            aws.elasticache.User(
                f"cache-{name}",
                user_id=site.name(f"cache-{name}", 40),
                user_name=name,
                engine="valkey",
                access_string=rules,
                authentication_mode={"type": "password", "passwords": [secret]},
                tags=site.tags(f"cache-{name}", rules),
                opts=self.child(),
            )
            for name, rules, secret in named
        ]
        return aws.elasticache.UserGroup(
            "cache",
            user_group_id=site.name("cache", 40),
            engine="valkey",
            user_ids=[each.user_id for each in users],
            tags=site.tags("cache-users"),
            opts=self.child(),
        )

    def _parameters(self) -> aws.elasticache.ParameterGroup:
        # What does not fit is refused, not silently dropped: a missing feature would be a wrong answer.
        return aws.elasticache.ParameterGroup(
            "cache",
            name=self.site.name("cache", 255),
            family=FAMILY,
            description="Nothing is evicted",
            parameters=[{"name": "maxmemory-policy", "value": "noeviction"}],
            tags=self.site.tags("cache-parameters"),
            opts=self.child(),
        )

    def _log(self, kind: str, keys: Keys) -> dict[str, pulumi.Input[str]]:
        path = f"/groundplan/{self.site.stack}/cache/{kind}"
        group = log_group(self, f"cache-{kind}", path, LOG_DAYS, keys)
        return {
            "destination": group.name,
            "destination_type": "cloudwatch-logs",
            "log_format": "json",
            "log_type": kind,
        }
