"""PostgreSQL on RDS: rows of the tracking server, the feature registry and the control plane."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan.plan.model import digest_of
from groundplan_components.aws.doors import port_from
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.network import Network
from groundplan_components.aws.proxy import Proxy
from groundplan_components.aws.roles import attached, role
from groundplan_components.aws.site import Part, Site

PORT = 5432
#: The name of the administrator, on every target (docs/contracts.md).
ADMIN = "postgres"
#: TLS or nothing; who connected, what was slow or waited for a lock is in the log.
PARAMETERS = {
    "rds.force_ssl": "1",
    "log_connections": "1",
    "log_disconnections": "1",
    "log_lock_waits": "1",
    "log_min_duration_statement": "1000",
    "password_encryption": "scram-sha-256",
}


class Database(Part):
    """``address`` and ``port``; ``secret``: the ARN of the administrator's password, turned over by RDS every week.

    RDS cannot keep the password of an instance that has a read replica (its own limit on PostgreSQL): then the
    password is that of ``passwords``, given by the stack.
    """

    instance: aws.rds.Instance
    address: pulumi.Output[str]
    secret: pulumi.Output[str] | None
    port = PORT

    def __init__(
        self,
        name: str,
        site: Site,
        network: Network,
        keys: Keys,
        passwords: Mapping[str, pulumi.Input[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``passwords``: role → password, as the platform's setup gives them (docs/contracts.md)."""
        super().__init__("Database", name, site, opts)
        self.network, self.keys = network, keys
        self.monitoring = role(self, "rds-monitoring", "monitoring.rds.amazonaws.com", account=site.aws.account)
        attached(self, "rds-monitoring", self.monitoring, ["service-role/AmazonRDSEnhancedMonitoringRole"])
        self.group = network.security_group("database", "PostgreSQL: from nodes only")
        replica = site.aws.database.replica
        self.instance = self._instance(passwords[ADMIN] if replica else None)
        self.secret = None if replica else self.instance.master_user_secrets.apply(_first_arn)
        self.address = self._reached(passwords)
        if replica:
            self._replica()
        self.register_outputs({"address": self.address, "secret": self.secret})

    def _reached(self, passwords: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[str]:
        """Open the way from nodes, through a proxy where one is declared, and return where it leads."""
        network, group = self.network, self.group
        if not self.site.aws.database.proxy:
            port_from(self, "database-from-nodes", group.id, network.nodes.id, PORT, "PostgreSQL from nodes")
            return pulumi.Output.from_input(self.instance.address)
        kept = [] if self.secret is None else [self.secret]
        own = {user: password for user, password in passwords.items() if user != ADMIN or self.secret is None}
        return Proxy("proxy", self.site, network, self.keys, self.instance, group, own, kept, self.child()).address

    def _instance(self, password: pulumi.Input[str] | None) -> aws.rds.Instance:
        site, spec = self.site, self.site.aws.database
        subnets = aws.rds.SubnetGroup(
            "database",
            name=site.name("database", 255),
            description="Subnets without a way out",
            subnet_ids=self.network.data,
            tags=site.tags("database-subnets"),
            opts=self.child(),
        )
        parameters = aws.rds.ParameterGroup(
            "database",
            name=site.name(f"postgres{spec.version}", 255),
            family=f"postgres{spec.version}",
            description="TLS only, connections and slow statements logged",
            parameters=[{"name": name, "value": value} for name, value in PARAMETERS.items()],
            tags=site.tags("database-parameters", PARAMETERS),
            opts=self.child(),
        )
        return aws.rds.Instance(
            "database",
            identifier=site.name("database"),
            engine="postgres",
            engine_version=spec.version,
            username=ADMIN,
            port=PORT,
            allocated_storage=spec.storage_gb,
            max_allocated_storage=spec.max_storage_gb,
            multi_az=spec.multi_az,
            db_subnet_group_name=subnets.name,
            parameter_group_name=parameters.name,
            backup_retention_period=spec.backup_days,
            snapshot_identifier=spec.restore_from,
            final_snapshot_identifier=final_snapshot(site),
            skip_final_snapshot=not site.keep,
            delete_automated_backups=not site.keep,
            deletion_protection=spec.deletion_protection,
            **self._password(password),
            **self._common(),
            tags=site.tags("database", spec.model_dump(mode="json")),
            # What is protected stops a destroy before it has begun, not half-way.
            opts=self.child(protect=spec.deletion_protection, ignore_changes=["snapshotIdentifier"]),
        )

    def _password(self, password: pulumi.Input[str] | None) -> dict[str, Any]:
        if password:
            return {"password": password}
        return {"manage_master_user_password": True, "master_user_secret_kms_key_id": self.keys.data.key_id}

    def _common(self) -> dict[str, Any]:
        """What the instance and its replica share."""
        return {
            "instance_class": self.site.aws.database.instance,
            "storage_type": "gp3",
            "storage_encrypted": True,
            "kms_key_id": self.keys.data.arn,
            "publicly_accessible": False,
            "vpc_security_group_ids": [self.group.id],
            "ca_cert_identifier": "rds-ca-rsa2048-g1",
            "iam_database_authentication_enabled": True,
            "auto_minor_version_upgrade": True,
            "allow_major_version_upgrade": True,
            "copy_tags_to_snapshot": True,
            "monitoring_interval": 60,
            "monitoring_role_arn": self.monitoring.arn,
            "performance_insights_enabled": True,
            "performance_insights_kms_key_id": self.keys.data.arn,
            "performance_insights_retention_period": 7,
            "enabled_cloudwatch_logs_exports": ["postgresql", "upgrade"],
            "backup_window": "01:00-02:00",
            "maintenance_window": "sun:03:00-sun:04:00",
        }

    def _replica(self) -> None:
        site = self.site
        aws.rds.Instance(
            "database-replica",
            identifier=site.name("database-replica"),
            replicate_source_db=self.instance.identifier,
            deletion_protection=site.aws.database.deletion_protection,
            skip_final_snapshot=True,
            **self._common(),
            tags=site.tags("database-replica", site.aws.database.model_dump(mode="json")),
            opts=self.child(protect=site.aws.database.deletion_protection),
        )


def final_snapshot(site: Site) -> str:
    """Return the name of the snapshot that stays: another one for a database that began from a snapshot."""
    return f"{site.name('database', 200)}-final-{digest_of(site.aws.database.restore_from)[:8]}"


def _first_arn(secrets: Any) -> str:
    return str(secrets[0]["secret_arn"])
