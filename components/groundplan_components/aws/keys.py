"""Keys in KMS, each turned over every year: one for data at rest, one for the cluster's secrets and logs."""

from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.site import Part, Site, document

#: What the account's own administrators may do with a key, one by one: a ``*`` would also let them hand it away.
MANAGE = (
    "kms:CancelKeyDeletion", "kms:CreateAlias", "kms:DeleteAlias", "kms:DescribeKey", "kms:DisableKeyRotation",
    "kms:EnableKey", "kms:EnableKeyRotation", "kms:GetKeyPolicy", "kms:GetKeyRotationStatus", "kms:ListGrants",
    "kms:ListKeyPolicies", "kms:ListResourceTags", "kms:PutKeyPolicy", "kms:RevokeGrant", "kms:ScheduleKeyDeletion",
    "kms:TagResource", "kms:UntagResource", "kms:UpdateAlias", "kms:UpdateKeyDescription",
)  # fmt: skip
USE = ("kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext",
       "kms:ReEncryptFrom", "kms:ReEncryptTo")  # fmt: skip
#: Days between the deletion of a key and its end. Nothing that it encrypted can be read after that.
WINDOW = 30


class Keys(Part):
    """``data``: RDS, S3, ElastiCache, ECR, volumes; ``cluster``: Kubernetes secrets and every log group."""

    data: aws.kms.Key
    cluster: aws.kms.Key

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Keys", name, site, opts)
        self.data = self._key("data", "Data at rest", [])
        self.cluster = self._key("cluster", "Kubernetes secrets and logs", [_logs(site)])
        self.register_outputs({"data": self.data.arn, "cluster": self.cluster.arn})

    def _key(self, name: str, description: str, more: list[dict[str, Any]]) -> aws.kms.Key:
        site = self.site
        key = aws.kms.Key(
            f"{name}-key",
            description=f"{description} of Groundplan's stack {site.stack}",
            enable_key_rotation=True,
            rotation_period_in_days=365,
            deletion_window_in_days=WINDOW,
            policy=document(*key_policy(site), *more),
            tags=site.tags(f"{name}-key", description),
            # What is kept cannot be read without its key.
            opts=self.kept(),
        )
        alias = f"alias/{site.name(name)}"
        aws.kms.Alias(f"{name}-key-alias", name=alias, target_key_id=key.key_id, opts=self.child())
        return key


def key_policy(site: Site) -> list[dict[str, Any]]:
    """Return who may use a key: whom the account's own IAM policies allow, and services that act for them.

    The resource is ``*`` because a key's policy names no other key than its own.
    """
    root = {"AWS": site.arn("iam", "root", region=False)}
    manage = {"Sid": "Manage", "Effect": "Allow", "Principal": root, "Action": list(MANAGE), "Resource": "*"}
    use = {"Sid": "Use", "Effect": "Allow", "Principal": root, "Action": list(USE), "Resource": "*"}
    grants = {
        "Sid": "Grants",
        "Effect": "Allow",
        "Principal": root,
        "Action": ["kms:CreateGrant"],
        "Resource": "*",
        # Only services of AWS get grants: for a volume, a database, a cache.
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
    }
    return [manage, use, grants]


def _logs(site: Site) -> dict[str, Any]:
    groups = site.arn("logs", "log-group:*")
    return {
        "Sid": "Logs",
        "Effect": "Allow",
        "Principal": {"Service": f"logs.{site.aws.region}.amazonaws.com"},
        "Action": list(USE),
        "Resource": "*",
        "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
    }
