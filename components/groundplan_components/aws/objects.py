"""Buckets: the platform's data, what nobody may change, access logs; and a copy in another region where declared."""

from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.bucket import BucketPlan, Made, bucket, expire
from groundplan_components.aws.keys import WINDOW, Keys, key_policy
from groundplan_components.aws.provider import regional
from groundplan_components.aws.roles import inline, role
from groundplan_components.aws.site import Part, Site, allow, document

#: Days for which S3 refuses to delete a version of what is kept (docs/audit.md), to all but those who may bypass
#: governance: no role of ours may. Compliance would bind the account itself, for ten years.
KEPT_DAYS = 3650
#: What is no longer read often after some days, and by far the most: answers that were logged.
COLD_DAYS = 90


class Buckets(Part):
    """``data``: code, raw tables, features, results, models, predictions; ``locked``: what nobody may change; ``logs``.

    The name of ``locked`` is the data bucket's and ``-kept``: the control plane derives it so (``setup_bucket``).
    """

    data: aws.s3.Bucket
    locked: aws.s3.Bucket
    logs: aws.s3.Bucket

    def __init__(self, name: str, site: Site, keys: Keys, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Buckets", name, site, opts)
        spec = site.aws.objects
        self.old = expire("old-versions", spec.versions_days, versions=True)
        ended = [
            expire("ended", spec.access_logs_days, versions=False),
            expire("ended-versions", spec.access_logs_days, versions=True),
        ]
        names = bucket_names(site)
        logs = BucketPlan("logs", names["logs"], None, rules=ended, statements=self._writers(names["logs"]))
        self.logs = bucket(self, logs, self.kept()).bucket
        data = BucketPlan("data", names["data"], keys.data.arn, self.logs.id, rules=[self.old, _cold()])
        written = bucket(self, data, self.kept())
        self.data = written.bucket
        self.locked = self._locked(names["locked"], keys)
        if spec.replicate_to:
            self._replicate(written, spec.replicate_to, names["replica"], keys)
        self.register_outputs({"data": self.data.id, "locked": self.locked.id})

    def _locked(self, name: str, keys: Keys) -> aws.s3.Bucket:
        made = bucket(self, BucketPlan("locked", name, keys.data.arn, self.logs.id, lock=True), self.kept())
        aws.s3.BucketObjectLockConfiguration(
            "locked",
            bucket=made.bucket.id,
            rule={"default_retention": {"mode": "GOVERNANCE", "days": KEPT_DAYS}},
            opts=self.kept(depends_on=[made.versioning]),
        )
        return made.bucket

    def _writers(self, name: str) -> list[dict[str, Any]]:
        """Let S3 and load balancers of this account write their access logs."""
        account = {"StringEquals": {"aws:SourceAccount": self.site.aws.account}}
        services = {
            "S3Logs": "logging.s3.amazonaws.com",
            "LoadBalancerLogs": "logdelivery.elasticloadbalancing.amazonaws.com",
        }
        return [
            {
                "Sid": sid,
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "s3:PutObject",
                "Resource": f"arn:aws:s3:::{name}/*",
                "Condition": account,
            }
            for sid, service in services.items()
        ]

    def _replicate(self, written: Made, region: str, name: str, keys: Keys) -> None:
        """Copy every new object to a bucket of another region, under a key of that region."""
        site = self.site
        there = pulumi.ResourceOptions(provider=regional(site, region, self.child()))
        opts = pulumi.ResourceOptions.merge(self.kept(), there)
        key = aws.kms.Key(
            "replica-key",
            description=f"Data at rest of Groundplan's stack {site.stack}: the copy in {region}",
            enable_key_rotation=True,
            deletion_window_in_days=WINDOW,
            policy=document(*key_policy(site)),
            tags=site.tags("replica-key", region),
            opts=opts,
        )
        copied = bucket(self, BucketPlan("replica", name, key.arn, rules=[self.old]), opts)
        copy = copied.bucket
        made = role(self, "replication", "s3.amazonaws.com", account=site.aws.account)
        policy = inline(self, "replication", made, *self._may_copy(copy, keys.data, key))
        destination = {
            "bucket": copy.arn,
            "encryption_configuration": {"replica_kms_key_id": key.arn},
            "storage_class": "STANDARD_IA",
        }
        rule = {
            "id": "everything",
            "status": "Enabled",
            "filter": {"prefix": ""},
            "delete_marker_replication": {"status": "Enabled"},
            "source_selection_criteria": {"sse_kms_encrypted_objects": {"status": "Enabled"}},
            "destination": destination,
        }
        needs = [policy, written.versioning, copied.versioning]
        aws.s3.BucketReplicationConfig(
            "data", bucket=self.data.id, role=made.arn, rules=[rule], opts=self.child(depends_on=needs)
        )

    def _may_copy(self, copy: aws.s3.Bucket, here: aws.kms.Key, there: aws.kms.Key) -> list[dict[str, Any]]:
        read = ["s3:GetObjectVersionForReplication", "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging"]
        write = ["s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags"]
        return [
            allow(["s3:GetReplicationConfiguration", "s3:ListBucket"], [self.data.arn]),
            allow(read, [pulumi.Output.concat(self.data.arn, "/*")]),
            allow(write, [pulumi.Output.concat(copy.arn, "/*")]),
            allow(["kms:Decrypt"], [here.arn]),
            allow(["kms:Encrypt", "kms:GenerateDataKey"], [there.arn]),
        ]


def bucket_names(site: Site) -> dict[str, str]:
    """Return the names of the stack's buckets, by what each is for."""
    data = site.global_name("data")
    copy = {"replica": site.global_name("replica")} if site.aws.objects.replicate_to else {}
    return {"data": data, "locked": f"{data}-kept", "logs": site.global_name("logs"), **copy}


def _cold() -> dict[str, Any]:
    transition = {"days": COLD_DAYS, "storage_class": "STANDARD_IA"}
    return {"id": "cold", "status": "Enabled", "filter": {"prefix": "predictions/"}, "transitions": [transition]}
