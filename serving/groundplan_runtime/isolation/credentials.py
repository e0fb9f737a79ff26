"""A run's own keys at the object store: allowed what its job needs, and good until its time is over.

They come by AWS STS' ``AssumeRole`` with a session policy. SeaweedFS answers it as AWS does and keeps nothing of it, so
runs that start and end at once do not touch each other (its IAM users are one document, read again at every change:
measured, others' requests are refused for a moment meanwhile).
"""

import contextlib
import json
import os
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from groundplan_runtime.config import REGION, Runtime

#: The role whose rights a session policy narrows; on the local stack the object store's own file declares it.
ROLE = "arn:aws:iam::000000000000:role/run"
#: Seconds for which keys outlive the time that their run may take, and what STS gives at least and at most.
GRACE, SHORTEST, CHAINED, LONGEST = 300, 900, 3600, 43200
FILE = "aws-credentials"
#: Seconds after which keys that are good for an hour are replaced, and between two tries when that fails.
RENEWAL, RETRY = 2400, 60


def of_run(
    runtime: Runtime, name: str, policy: Mapping[str, Any], seconds: float, role: str | None = None
) -> dict[str, str]:
    """Return the secret ``aws-credentials`` with keys that allow ``policy`` for ``seconds`` and a little more.

    ``role``: the workload's own on AWS, which the pod's role may become for an hour at most (AWS' limit on a role that
    is taken by a role): :func:`renewed` gives a longer run new ones. Nothing where nothing is to be allowed, or nobody
    can be asked for keys.
    """
    ours = "objects" in runtime.endpoints and runtime.secret_file("aws-credentials").exists()
    if not policy["Statement"] or not (ours or role):
        return {}
    longest = CHAINED if role else LONGEST
    keys = _client(runtime).assume_role(
        RoleArn=role or ROLE,
        RoleSessionName=name,
        Policy=json.dumps(policy),
        DurationSeconds=int(min(max(seconds + GRACE, SHORTEST), longest)),
    )["Credentials"]
    lines = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    return {FILE: "[default]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())}


@contextlib.contextmanager
def renewed(file: Path, make: Callable[[], Mapping[str, str]], period: float = RENEWAL) -> Iterator[None]:
    """While open, replace the keys in ``file`` every ``period`` seconds by new ones, which ``make`` returns.

    The object store's clients read the file again for every file system that they open, and while one is open every
    five minutes (AWS SDK for C++), so a run finds keys that are good for as long as it lasts.
    """
    over = threading.Event()
    thread = threading.Thread(target=_renew, args=(file, make, period, over), name="keys", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=GRACE)


def _renew(file: Path, make: Callable[[], Mapping[str, str]], period: float, over: threading.Event) -> None:
    wait = period
    while not over.wait(wait):
        try:
            text = make()[FILE]
        except Exception as error:
            print(f"the run's keys could not be renewed, trying again: {error}", file=sys.stderr)  # noqa: T201
            wait = min(RETRY, period)
            continue
        new = file.with_suffix(".new")
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(text)
        new.replace(file)
        wait = period


def _client(runtime: Runtime) -> Any:
    import boto3
    from botocore.config import Config

    retries = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=20)
    if "objects" not in runtime.endpoints:
        return boto3.client("sts", region_name=runtime.region, config=retries)
    return boto3.client("sts", endpoint_url=runtime.endpoint("objects"), region_name=REGION, config=retries)
