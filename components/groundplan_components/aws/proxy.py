"""RDS Proxy: a pool of connections before the database, which live on while it fails over."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.doors import out_to, port_from
from groundplan_components.aws.keys import Keys
from groundplan_components.aws.network import Network
from groundplan_components.aws.roles import inline, role
from groundplan_components.aws.site import Part, Site, allow

PORT = 5432
#: Days for which a secret that goes with its stack can be had back.
RECOVERY_DAYS = 7


class Proxy(Part):
    """``address``: where PostgreSQL is reached. It knows its users by secrets that it reads, one for each.

    Session state (an advisory lock, LISTEN) keeps its own connection, as PostgreSQL wants it.
    """

    address: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        site: Site,
        network: Network,
        keys: Keys,
        database: aws.rds.Instance,
        door: aws.ec2.SecurityGroup,
        passwords: Mapping[str, pulumi.Input[str]],
        kept: Sequence[pulumi.Input[str]] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare it before ``database``, whose group is ``door``. ``kept``: ARNs of secrets that RDS keeps itself."""
        super().__init__("Proxy", name, site, opts)
        self.keys = keys
        group = network.security_group("proxy", "RDS Proxy: PostgreSQL from nodes, to the database")
        port_from(self, "proxy-from-nodes", group.id, network.nodes.id, PORT, "PostgreSQL from nodes")
        port_from(self, "database-from-proxy", door.id, group.id, PORT, "PostgreSQL from the proxy")
        out_to(self, "proxy-to-database", group.id, door.id, PORT, "PostgreSQL to the database")
        secrets = [*kept, *(self._secret(user, given) for user, given in passwords.items())]
        made = self._proxy(network, group, secrets, sorted(passwords))
        pool = aws.rds.ProxyDefaultTargetGroup(
            "database-proxy",
            db_proxy_name=made.name,
            connection_pool_config={"max_connections_percent": 90, "connection_borrow_timeout": 30},
            opts=self.child(),
        )
        aws.rds.ProxyTarget(
            "database-proxy",
            db_proxy_name=made.name,
            target_group_name=pool.name,
            db_instance_identifier=database.identifier,
            opts=self.child(),
        )
        self.address = pulumi.Output.from_input(made.endpoint)
        self.register_outputs({"address": self.address})

    def _secret(self, user: str, password: pulumi.Input[str]) -> pulumi.Input[str]:
        """Return the ARN of the secret by which the proxy knows a user."""
        site = self.site
        secret = aws.secretsmanager.Secret(
            f"database-{user}",
            name=f"{site.name()}/database/{user}",
            description=f"Groundplan's stack {site.stack}: {user} at the database, for RDS Proxy",
            kms_key_id=self.keys.data.arn,
            recovery_window_in_days=RECOVERY_DAYS if site.keep else 0,
            tags=site.tags(f"database-{user}"),
            opts=self.child(),
        )
        value: pulumi.Output[str] = pulumi.Output.secret(
            pulumi.Output.json_dumps({"username": user, "password": password})
        )
        version = aws.secretsmanager.SecretVersion(
            f"database-{user}", secret_id=secret.id, secret_string=value, opts=self.child()
        )
        # Its ARN once it has a value: the proxy reads it when it is made.
        return pulumi.Output.all(secret.arn, version.version_id).apply(lambda found: str(found[0]))

    def _proxy(
        self, network: Network, group: aws.ec2.SecurityGroup, arns: Sequence[pulumi.Input[str]], users: Sequence[str]
    ) -> aws.rds.Proxy:
        site = self.site
        made = role(self, "database-proxy", "rds.amazonaws.com", account=site.aws.account)
        through = {"StringEquals": {"kms:ViaService": f"secretsmanager.{site.aws.region}.amazonaws.com"}}
        read = allow(["secretsmanager:GetSecretValue"], arns)
        policy = inline(self, "database-proxy", made, read, allow(["kms:Decrypt"], [self.keys.data.arn], through))
        return aws.rds.Proxy(
            "database-proxy",
            name=site.name("database"),
            engine_family="POSTGRESQL",
            require_tls=True,
            role_arn=made.arn,
            vpc_subnet_ids=network.data,
            vpc_security_group_ids=[group.id],
            auths=[_auth(arn) for arn in arns],
            idle_client_timeout=1800,
            tags=site.tags("database-proxy", list(users)),
            opts=self.child(depends_on=[policy]),
        )


def _auth(secret: pulumi.Input[str]) -> dict[str, Any]:
    how = {"auth_scheme": "SECRETS", "iam_auth": "DISABLED", "client_password_auth_type": "POSTGRES_SCRAM_SHA_256"}
    return {**how, "secret_arn": secret}
