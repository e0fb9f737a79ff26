"""The object store, over S3's API."""

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from groundplan_runtime.config import Runtime
from groundplan_runtime.prediction_files import folder, rows_in
from groundplan_runtime.setup_bucket import kept_bucket

#: What an object store says to a second writer of what may be written once.
THERE = ("PreconditionFailed", "412")
MISSING = ("404", "NoSuchKey", "NotFound")


class Objects:
    """The platform's bucket. Uris are ``s3://bucket/key``. Thread-safe: boto3's clients are."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._made: Any = None
        self._making = threading.Lock()  # boto3's clients are thread-safe, the making of one is not

    @property
    def _client(self) -> Any:
        with self._making:
            if self._made is None:
                import boto3
                from botocore.config import Config

                config = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=60)
                self._made = boto3.client("s3", config=config)
            return self._made

    def put(self, key: str, data: bytes) -> str:
        """Write an object; return its uri."""
        self._client.put_object(Bucket=self._runtime.bucket, Key=key, Body=data)
        return f"s3://{self._runtime.bucket}/{key}"

    def get(self, uri: str) -> bytes:
        """Return an object's bytes. KeyError when it is not there."""
        bucket, key = _split(uri)
        try:
            return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
        except self._client.exceptions.NoSuchKey:
            raise KeyError(uri) from None

    def exists(self, uri: str) -> bool:
        """Whether an object is there."""
        from botocore.exceptions import ClientError

        bucket, key = _split(uri)
        try:
            self._client.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] in MISSING:
                return False
            raise
        return True

    def delete(self, uri: str) -> None:
        """Delete an object; one that is not there is left alone."""
        bucket, key = _split(uri)
        self._client.delete_object(Bucket=bucket, Key=key)

    def rows_logged(self, project: str, application: str, hours: Sequence[datetime]) -> list[int]:
        """Return how many rows of an application's prediction log were written in each hour (UTC), by file names."""
        paginator, log = self._client.get_paginator("list_objects_v2"), folder("", project, application)
        counted = []
        for hour in hours:
            prefix = f"{log.removeprefix('s3:///')}/date={hour:%Y-%m-%d}/hour={hour:%H}/"
            pages = paginator.paginate(Bucket=self._runtime.bucket, Prefix=prefix)
            files = [found["Key"] for page in pages for found in page.get("Contents", [])]
            counted.append(sum(rows_in(file) for file in files if file.endswith(".parquet")))
        return counted

    def delete_prefix(self, prefix: str) -> None:
        """Delete every object whose key begins with ``prefix``."""
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._runtime.bucket, Prefix=prefix)
        for page in pages:
            for found in page.get("Contents", []):
                self._client.delete_object(Bucket=self._runtime.bucket, Key=found["Key"])

    def keep(self, key: str, data: bytes) -> None:
        """Write an object that nobody may replace; one that is there stays as it is."""
        from botocore.exceptions import ClientError

        bucket = kept_bucket(self._runtime.bucket)
        try:
            self._client.put_object(Bucket=bucket, Key=key, Body=data, IfNoneMatch="*")
        except ClientError as error:
            if error.response["Error"]["Code"] not in THERE:
                raise

    def kept(self, prefix: str) -> list[tuple[str, datetime]]:
        """Return the keys that :meth:`keep` wrote, in their order, and when each was first written.

        What was put over one, or deleted, since then is a version beside it.
        """
        bucket = kept_bucket(self._runtime.bucket)
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        first: dict[str, datetime] = {}
        for version in (each for page in pages for each in page.get("Versions", [])):
            at = version["LastModified"]
            first[version["Key"]] = min(at, first.get(version["Key"], at))
        return sorted(first.items())


def _split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
