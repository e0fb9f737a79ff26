"""A run's own identity at the object store: made for it, allowed what it needs, gone with it.

SeaweedFS speaks AWS' IAM for users, keys and policies, and knows no temporary ones for them: so their names say until
when they are good, and every keeper takes away those whose time is over and whose own keeper was killed.
"""

import contextlib
import fcntl
import json
import time
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from groundplan_runtime.config import REGION, Runtime

PREFIX = "run-"
#: Seconds for which an identity outlives the time that its run may take.
GRACE = 300


@contextlib.contextmanager
def identity(runtime: Runtime, policy: Mapping[str, Any], seconds: float, lock: Path) -> Iterator[dict[str, str]]:
    """Yield the secret ``aws-credentials`` of an identity that is allowed ``policy``.

    Nothing where nothing is to be allowed, or the target's roles do that.

    The store rewrites all identities at every change: one change at a time, under ``lock``.
    """
    ours = "objects" in runtime.endpoints and runtime.secret_file("aws-credentials").exists()
    if not policy["Statement"] or not ours:
        yield {}
        return
    client = _client(runtime)
    name = f"{PREFIX}{int(time.time() + seconds + GRACE)}-{uuid.uuid4().hex[:12]}"
    with _locked(lock):
        sweep(client)
        keys = _make(client, name, policy)
    try:
        key, secret = keys["AccessKeyId"], keys["SecretAccessKey"]
        yield {"aws-credentials": f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"}
    finally:
        with _locked(lock):
            _remove(client, name)


def sweep(client: Any) -> None:
    """Remove the identities whose time is over: their keepers were killed."""
    for user in client.list_users()["Users"]:
        until = user["UserName"].removeprefix(PREFIX).partition("-")[0]
        if user["UserName"].startswith(PREFIX) and until.isdigit() and int(until) < time.time():
            _remove(client, user["UserName"])


def _make(client: Any, name: str, policy: Mapping[str, Any]) -> dict[str, str]:
    client.create_user(UserName=name)
    client.put_user_policy(UserName=name, PolicyName="run", PolicyDocument=json.dumps(policy))
    return dict(client.create_access_key(UserName=name)["AccessKey"])


def _remove(client: Any, name: str) -> None:
    missing = client.exceptions.NoSuchEntityException
    with contextlib.suppress(missing):
        for key in client.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            client.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    with contextlib.suppress(missing):
        client.delete_user_policy(UserName=name, PolicyName="run")
    with contextlib.suppress(missing):
        client.delete_user(UserName=name)


def _client(runtime: Runtime) -> Any:
    import boto3
    from botocore.config import Config

    retries = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=20)
    return boto3.client("iam", endpoint_url=runtime.endpoint("objects"), region_name=REGION, config=retries)


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
