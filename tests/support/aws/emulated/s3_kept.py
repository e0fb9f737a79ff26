"""What S3 says of a bucket that another account has: MiniStack says that there is none."""

from typing import Any

from ministack.services import s3  # type: ignore[import-not-found]

headed = s3._head_bucket


def head(name: str) -> Any:
    """Refuse to tell of another account's bucket, as AWS does; names are one on earth."""
    owner = s3._bucket_owner_account(name)
    return (403, {"Content-Type": "application/xml"}, b"") if owner not in (None, s3.get_account_id()) else headed(name)


def mend() -> None:
    """Put this in the place of what MiniStack does."""
    s3._head_bucket = head
