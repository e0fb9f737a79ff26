"""A run's own identity at a real object store: what it may, what it may not, and until when."""

import asyncio
import base64
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from groundplan_runtime.config import Runtime
from groundplan_runtime.isolation import credentials
from groundplan_runtime.isolation.access import access_of, policy
from groundplan_runtime.isolation.keeper import prepared
from groundplan_runtime.isolation.limits import Limits
from groundplan_runtime.online_wire import Wire, heading, words
from groundplan_runtime.online_wire import command as command_of

MINE = {"inputs": {"s": {"uri": "s3://groundplan/raw/mine/s/1.parquet"}}, "code_uri": "s3://groundplan/code/mine/1.zip"}
RESULT, OUTPUT = "s3://groundplan/results/mine/model/m/1.json", "s3://groundplan/results/mine/model/m/1.parquet"
DOCUMENT = {"job": "train", "project": "mine", "name": "m", "digest": "1", "properties": {}, **MINE}
DOCUMENT |= {"result_uri": RESULT, "output_uri": OUTPUT}
OTHERS = ("raw/other/s/1.parquet", "features/mine/v/1.parquet", "results/mine/model/m/1.json.bak", "code/mine/2.zip")


def s3_of(own: dict[str, str] | None) -> Any:
    boto3 = pytest.importorskip("boto3")
    from botocore.config import Config  # noqa: PLC0415

    keys = {} if own is None else keys_of(own)
    once = Config(s3={"addressing_style": "path"}, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], config=once, **keys)


def keys_of(own: dict[str, str]) -> dict[str, str]:
    return dict(line.split(" = ") for line in own["aws-credentials"].splitlines() if " = " in line)


def refused(call: Callable[[], object]) -> bool:
    from botocore.exceptions import ClientError  # noqa: PLC0415

    try:
        call()
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
    return False


def test_a_run_reads_its_inputs_writes_its_output_and_nothing_else(database: Runtime) -> None:
    ours, bucket = s3_of(None), database.bucket
    for key in (*OTHERS, "raw/mine/s/1.parquet", "code/mine/1.zip"):
        ours.put_object(Bucket=bucket, Key=key, Body=b"x")
    its = s3_of(credentials.of_run(database, "run-1", policy(access_of(DOCUMENT, bucket)), 60))
    for key in ("raw/mine/s/1.parquet", "code/mine/1.zip"):
        assert its.get_object(Bucket=bucket, Key=key)["Body"].read() == b"x"
        assert refused(lambda key=key: its.put_object(Bucket=bucket, Key=key, Body=b"y")), key
        assert refused(lambda key=key: its.delete_object(Bucket=bucket, Key=key)), key
    for uri in (RESULT, OUTPUT):
        its.put_object(Bucket=bucket, Key=uri.removeprefix(f"s3://{bucket}/"), Body=b"made")
    for key in OTHERS:
        assert refused(lambda key=key: its.get_object(Bucket=bucket, Key=key)), key
        assert refused(lambda key=key: its.put_object(Bucket=bucket, Key=key, Body=b"y")), key
    assert refused(lambda: its.list_objects_v2(Bucket=bucket))
    assert refused(lambda: its.put_object(Bucket=f"{bucket}-kept", Key="audit/checkpoints/9", Body=b"y"))
    assert refused(lambda: its.create_bucket(Bucket="another"))


def test_runs_that_start_beside_each_other_do_not_hold_each_other_up(database: Runtime) -> None:
    bucket = database.bucket
    key = RESULT.removeprefix(f"s3://{bucket}/")

    def run(number: int) -> None:
        for _ in range(10):
            its = s3_of(credentials.of_run(database, f"run-{number}", policy(access_of(DOCUMENT, bucket)), 60))
            for _ in range(10):
                its.put_object(Bucket=bucket, Key=key, Body=b"made")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(4)))


def test_keys_of_a_run_end_with_its_time_and_give_no_others(database: Runtime) -> None:
    import boto3  # noqa: PLC0415

    own = credentials.of_run(database, "run-x", policy(access_of(DOCUMENT, database.bucket)), 60)
    keys = keys_of(own)
    told = json.loads(base64.urlsafe_b64decode(keys["aws_session_token"].split(".")[1] + "=="))
    assert 800 < told["exp"] - time.time() <= 900
    altered = keys | {"aws_session_token": keys["aws_session_token"][:-6] + "AAAAAA"}
    s3 = boto3.client("s3", endpoint_url=os.environ["AWS_ENDPOINT_URL_S3"], **altered)
    assert refused(lambda: s3.get_object(Bucket=database.bucket, Key="raw/mine/s/1.parquet"))
    sts = boto3.client("sts", endpoint_url=database.endpoint("objects"), region_name="us-east-1", **keys)
    assert refused(lambda: sts.assume_role(RoleArn=credentials.ROLE, RoleSessionName="more"))


def test_a_run_is_told_of_no_database_and_of_no_secret_but_its_own(
    database: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(DOCUMENT))
    with prepared(database, DOCUMENT, Limits.of({})) as run:
        own = Runtime.load(run.environment["GROUNDPLAN_RUNTIME"])
        assert set(own.endpoints) == {"objects", "mlflow"}
        given = {"aws-credentials", "mlflow-token"}
        assert {each.name for each in own.secrets_dir.iterdir()} == given
        files = [each for each in run.folder.rglob("*") if each.is_file()]
        others = [each for each in database.secrets_dir.iterdir() if each.is_file() and each.name != "mlflow-token"]
        secrets = [each.read_text().strip() for each in others]
        told = "".join(each.read_text() for each in files) + json.dumps(run.environment)
        assert not [secret for secret in secrets if secret in told]
        assert run.folder.stat().st_mode & 0o077 == 0
    assert not run.folder.exists()


def test_what_is_kept_is_never_replaced_and_is_read_as_first_written(database: Runtime) -> None:
    from groundplan.controlplane.adapters.objects import Objects  # noqa: PLC0415

    objects = Objects(database)
    objects.keep("audit/test/1-a.json", b"first")
    objects.keep("audit/test/1-a.json", b"second")
    assert [key for key, _ in objects.kept("audit/test/")] == ["audit/test/1-a.json"]
    ours, bucket = s3_of(None), f"{database.bucket}-kept"
    found = ours.list_object_versions(Bucket=bucket, Prefix="audit/test/")["Versions"]
    assert len(found) == 1
    version = {"Bucket": bucket, "Key": "audit/test/1-a.json", "VersionId": found[0]["VersionId"]}
    assert refused(lambda: ours.delete_object(**version))
    ours.delete_object(Bucket=bucket, Key="audit/test/1-a.json")
    assert [key for key, _ in objects.kept("audit/test/")] == ["audit/test/1-a.json"]


def test_an_evaluation_reads_its_projects_online_features_and_no_others(
    database: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    redis = pytest.importorskip("redis")
    host, port = database.endpoint("online_store").rsplit(":", 1)
    admin = redis.Redis(host, int(port), password=database.secret("online-store"))
    admin.hset(b"\x01\xffJFKmine", "f", "1")
    admin.hset(b"\x01\xffJFKother", "f", "1")
    document = {**DOCUMENT, "job": "evaluate", "requests": [[{"k": "JFK"}]]}
    monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(document))
    with prepared(database, document, Limits.of({})) as run:
        own = Runtime.load(run.environment["GROUNDPLAN_RUNTIME"])
        assert own.secret("online-store") != database.secret("online-store")
        user = {"username": own.secret("online-store-user"), "password": own.secret("online-store")}
        its = redis.Redis(host, int(port), **user)
        assert its.hmget(b"\x01\xffJFKmine", "f") == [b"1"]
        commands = [("HMGET", b"\x01\xffJFKother", "f"), ("HSET", b"\x01\xffJFKmine", "f", "2"), ("KEYS", "*")]
        for command in (*commands, ("ACL", "LIST"), ("CONFIG", "GET", "requirepass"), ("FLUSHALL",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                its.execute_command(*command)
        wire = Wire(own)
        keys = command_of(b"\x01\xffJFKmine", heading(1), words(b"f"))
        assert asyncio.run(_asked(wire, keys)) == [[b"1"]]
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.Redis(host, int(port), **user).ping()


async def _asked(wire: Wire, command: bytes) -> Any:
    try:
        return await wire.ask([command])
    finally:
        await wire.close()
