"""A run's own keys at the object store: allowed what its job needs, and good until its time is over.

They come by AWS STS' ``AssumeRole`` with a session policy. SeaweedFS answers it as AWS does and keeps nothing of it, so
runs that start and end at once do not touch each other (its IAM users are one document, read again at every change:
measured, others' requests are refused for a moment meanwhile).
"""

import json
from collections.abc import Mapping
from typing import Any

from groundplan_runtime.config import REGION, Runtime

#: The role whose rights a session policy narrows; on the local stack the object store's own file declares it.
ROLE = "arn:aws:iam::000000000000:role/run"
#: Seconds for which keys outlive the time that their run may take, and what STS gives at least and at most.
GRACE, SHORTEST, LONGEST = 300, 900, 43200


def of_run(runtime: Runtime, name: str, policy: Mapping[str, Any], seconds: float) -> dict[str, str]:
    """Return the secret ``aws-credentials`` with keys that allow ``policy`` for ``seconds`` and a little more.

    Nothing where nothing is to be allowed, or the target's roles do that.
    """
    ours = "objects" in runtime.endpoints and runtime.secret_file("aws-credentials").exists()
    if not policy["Statement"] or not ours:
        return {}
    keys = _client(runtime).assume_role(
        RoleArn=ROLE,
        RoleSessionName=name,
        Policy=json.dumps(policy),
        DurationSeconds=int(min(max(seconds + GRACE, SHORTEST), LONGEST)),
    )["Credentials"]
    lines = {
        "aws_access_key_id": keys["AccessKeyId"],
        "aws_secret_access_key": keys["SecretAccessKey"],
        "aws_session_token": keys["SessionToken"],
    }
    return {"aws-credentials": "[default]\n" + "".join(f"{name} = {value}\n" for name, value in lines.items())}


def _client(runtime: Runtime) -> Any:
    import boto3
    from botocore.config import Config

    retries = Config(retries={"mode": "standard", "max_attempts": 5}, connect_timeout=3, read_timeout=20)
    return boto3.client("sts", endpoint_url=runtime.endpoint("objects"), region_name=REGION, config=retries)
