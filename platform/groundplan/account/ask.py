"""The account, asked with whatever credentials the environment has; nobody is asked where it has none."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.errors import GroundplanError
from groundplan.spec import AwsSpec

#: Answers of AWS that say: these credentials are none, or are none any more.
INVALID = ("ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch")
SECONDS = 5
#: Where credentials of AWS come from, beside ``~/.aws``.
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_SHARED_CREDENTIALS_FILE",
)  # fmt: skip


@dataclass(frozen=True)
class Account:
    """Who the credentials are of: twelve digits; and ``client``: a service's name → its client of boto3."""

    id: str
    client: Callable[[str], Any]


def signed_in() -> bool:
    """Return whether this machine has credentials of AWS, valid or not."""
    return Path("~/.aws").expanduser().exists() or any(os.environ.get(name) for name in CREDENTIALS)


def open_account(aws: AwsSpec) -> Account | None:
    """Return the account of the environment's credentials; None where there are none, or AWS cannot be reached.

    Raises GroundplanError, one line, for credentials that AWS refuses.
    """
    if not signed_in():
        return None
    import boto3  # noqa: PLC0415 (slow, and of the extra aws)
    from botocore.config import Config  # noqa: PLC0415
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError  # noqa: PLC0415

    patience = Config(connect_timeout=SECONDS, read_timeout=SECONDS, retries={"mode": "standard", "max_attempts": 2})
    try:
        session = boto3.Session(region_name=aws.region)
        if session.get_credentials() is None:
            return None
        found = session.client("sts", config=patience).get_caller_identity()["Account"]
    except ClientError as error:
        raise GroundplanError(_refused(error, aws)) from None
    except HTTPClientError:
        return None  # no network: a preview goes on without
    except BotoCoreError as error:
        raise GroundplanError(f"{error}; fix: sign in to account {aws.account} again") from None
    return Account(str(found), lambda service: session.client(service, config=patience))


def _refused(error: Any, aws: AwsSpec) -> str:
    said = error.response.get("Error", {})
    code = said.get("Code", "")
    what = "are not valid, or not any more" if code in INVALID else f"are refused: {said.get('Message', '')}"
    return f"the credentials of AWS in this environment {what} ({code}); fix: sign in to account {aws.account} again"
