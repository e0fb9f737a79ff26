"""One bucket as every bucket here is: versioned, encrypted, TLS only, closed to the public, logged, tidied."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pulumi_aws as aws

from groundplan_components.aws.site import Part, document

#: Days after which a part of an upload that never ended goes.
UPLOADS = 7
NEWEST_TLS = "1.2"


@dataclass(frozen=True)
class BucketPlan:
    """How one bucket differs from the others.

    ``part``: what it is here; ``name``: in S3; ``key``: a KMS key's ARN, or None where a service cannot use one.
    """

    part: str
    name: str
    key: pulumi.Input[str] | None
    logs: pulumi.Input[str] | None = None
    lock: bool = False
    rules: Sequence[Mapping[str, Any]] = ()
    statements: Sequence[Mapping[str, Any]] = field(default_factory=tuple)


@dataclass(frozen=True)
class Made:
    """A bucket, and its versioning: what S3 ties to that is made after it, and goes before it."""

    bucket: aws.s3.Bucket
    versioning: aws.s3.BucketVersioning


def bucket(part: Part, plan: BucketPlan, opts: pulumi.ResourceOptions) -> Made:
    """Declare a bucket and everything around it. ``opts``: the bucket's own, with its provider where it is another."""
    site = part.site
    made = aws.s3.Bucket(
        plan.part,
        bucket=plan.name,
        object_lock_enabled=plan.lock or None,
        force_destroy=not site.keep,
        tags=site.tags(plan.part, [plan.lock, [dict(rule) for rule in plan.rules]]),
        opts=opts,
    )
    around = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(parent=part, retain_on_delete=site.keep))
    closed = aws.s3.BucketPublicAccessBlock(
        plan.part,
        bucket=made.id,
        block_public_acls=True,
        block_public_policy=True,
        ignore_public_acls=True,
        restrict_public_buckets=True,
        opts=around,
    )
    versioning = aws.s3.BucketVersioning(
        plan.part, bucket=made.id, versioning_configuration={"status": "Enabled"}, opts=around
    )
    _around(plan, made, around)
    aws.s3.BucketPolicy(
        plan.part,
        bucket=made.id,
        policy=document(*_tls_only(made.arn), *plan.statements),
        # A policy set while the block is being set is refused now and then.
        opts=pulumi.ResourceOptions.merge(around, pulumi.ResourceOptions(depends_on=[closed])),
    )
    return Made(made, versioning)


def _around(plan: BucketPlan, made: aws.s3.Bucket, opts: pulumi.ResourceOptions) -> None:
    algorithm = {"sse_algorithm": "aws:kms", "kms_master_key_id": plan.key} if plan.key else {"sse_algorithm": "AES256"}
    aws.s3.BucketServerSideEncryptionConfiguration(
        plan.part,
        bucket=made.id,
        rules=[{"apply_server_side_encryption_by_default": algorithm, "bucket_key_enabled": plan.key is not None}],
        opts=opts,
    )
    aws.s3.BucketOwnershipControls(
        plan.part, bucket=made.id, rule={"object_ownership": "BucketOwnerEnforced"}, opts=opts
    )
    aws.s3.BucketLifecycleConfiguration(
        plan.part, bucket=made.id, rules=[_uploads(), *map(dict, plan.rules)], opts=opts
    )
    if plan.logs is not None:
        aws.s3.BucketLogging(
            plan.part, bucket=made.id, target_bucket=plan.logs, target_prefix=f"{plan.part}/", opts=opts
        )


def expire(name: str, days: int, *, versions: bool) -> dict[str, Any]:
    """Return a lifecycle rule: objects go after some days, or only versions that were replaced or deleted."""
    what = {"noncurrent_version_expiration": {"noncurrent_days": days}} if versions else {"expiration": {"days": days}}
    return {"id": name, "status": "Enabled", "filter": {"prefix": ""}, **what}


def _uploads() -> dict[str, Any]:
    unfinished = {"days_after_initiation": UPLOADS}
    rule = {"id": "unfinished-uploads", "status": "Enabled", "filter": {"prefix": ""}}
    return {**rule, "abort_incomplete_multipart_upload": unfinished}


def _tls_only(arn: pulumi.Output[str]) -> list[dict[str, Any]]:
    """Deny everything that comes unencrypted or by an old TLS: the only ``*`` here, and it denies."""
    where = [arn, pulumi.Output.concat(arn, "/*")]
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": where}
    plain = {"Sid": "OnlyTls", **deny, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    old = {"Sid": "OnlyNewTls", **deny, "Condition": {"NumericLessThan": {"s3:TlsVersion": NEWEST_TLS}}}
    return [plain, old]
