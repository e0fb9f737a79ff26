"""The stack's buckets: made when they are missing. Run by the target once the object store is healthy.

Beside the one for data there is one for what nobody may change: it keeps every version of every object.
"""

from typing import Any

from groundplan_runtime.config import Runtime

ALREADY = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")

#: Days for which the object store refuses to delete a version of what is kept, whoever asks.
KEPT_DAYS = 3650


def kept_bucket(bucket: str) -> str:
    """Return the name of the bucket beside ``bucket`` in which nothing can be changed or deleted."""
    return f"{bucket}-kept"


def client(runtime: Runtime) -> Any:
    """Return an S3 client for the stack's object store."""
    runtime.apply_environment()
    import boto3
    from botocore.config import Config

    return boto3.client("s3", config=Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 5}))


def make_bucket(s3: Any, bucket: str) -> None:
    """Make the bucket unless it is there, and prove that these credentials may use it."""
    try:
        s3.create_bucket(Bucket=bucket)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ALREADY:
            raise
    s3.list_objects_v2(Bucket=bucket, MaxKeys=1)


def make_kept_bucket(s3: Any, bucket: str) -> None:
    """Make the bucket in which nothing can be changed, unless it is there: versions, each locked for KEPT_DAYS."""
    try:
        s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True)
    except s3.exceptions.ClientError as error:
        if error.response["Error"]["Code"] not in ALREADY:
            raise
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": KEPT_DAYS}}
    lock = {"ObjectLockEnabled": "Enabled", "Rule": rule}
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=lock)


if __name__ == "__main__":
    found = Runtime.load()
    ours = client(found)
    make_bucket(ours, found.bucket)
    make_kept_bucket(ours, kept_bucket(found.bucket))
