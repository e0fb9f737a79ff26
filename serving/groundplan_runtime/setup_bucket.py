"""The stack's bucket: made when it is missing. Run by the target once the object store is healthy."""

from typing import Any

from groundplan_runtime.config import Runtime

ALREADY = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")


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


if __name__ == "__main__":
    found = Runtime.load()
    make_bucket(client(found), found.bucket)
