"""On a cloud: TLS to database and online store, a workload's role in the place of keys."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from groundplan_runtime.config import Runtime
from groundplan_runtime.isolation import credentials
from groundplan_runtime.isolation.access import workload_of

ROLE = "arn:aws:iam::123456789012:role/groundplan-prod-flights-train-delay"
POLICY = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": ["x"]}]}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    document = {
        "stack": "prod", "stack_id": "1", "data_dir": str(tmp_path), "bucket": "b", "secrets_dir": str(tmp_path / "s"),
        "endpoints": {"database": "d:5432", "online_store": "c:6379"}, "region": "eu-central-1", "tls": True,
        "roles": {"flights-train-delay": ROLE},
    }  # fmt: skip
    (tmp_path / "runtime.json").write_text(json.dumps(document))
    return Runtime.load(tmp_path / "runtime.json")


def test_it_asks_for_tls_and_names_no_endpoint_of_s3(runtime: Runtime) -> None:
    found = runtime.environment()
    assert found["PGSSLMODE"] == "require"
    assert found["AWS_REGION"] == "eu-central-1"
    assert not any(name in found for name in ("AWS_ENDPOINT_URL_S3", "AWS_SHARED_CREDENTIALS_FILE"))


@pytest.mark.parametrize(
    ("job", "name", "workload"),
    [
        ("train", "delay", "flights-train-delay"),
        ("features", "origin_weather", "flights-build-origin-weather"),
        ("evaluate", "delay@production", "flights-evaluate-delay-production"),
        ("skew", "delay", "flights-serve-delay"),
    ],
)
def test_a_job_is_a_workload_of_the_plan(job: str, name: str, workload: str) -> None:
    assert workload_of({"job": job, "project": "flights", "name": name}) == workload


def test_a_run_becomes_its_workload_for_an_hour_at_most(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    class Sts:
        def assume_role(self, **given: Any) -> dict[str, Any]:
            asked.append(given)
            return {"Credentials": {"AccessKeyId": "A", "SecretAccessKey": "S", "SessionToken": "T"}}

    monkeypatch.setattr(credentials, "_client", lambda _: Sts())
    made = credentials.of_run(runtime, "run-1", POLICY, 86400, runtime.roles["flights-train-delay"])
    assert "aws_session_token = T" in made["aws-credentials"]
    assert asked[0]["RoleArn"] == ROLE
    assert asked[0]["DurationSeconds"] == 3600
    assert json.loads(asked[0]["Policy"]) == POLICY


def test_without_a_role_and_a_store_of_ours_there_are_no_keys(runtime: Runtime) -> None:
    assert credentials.of_run(runtime, "run-1", POLICY, 60) == {}


def test_a_longer_run_finds_new_keys_in_its_file_and_a_refusal_costs_it_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, made = tmp_path / credentials.FILE, threading.Event()
    file.write_text("keys 0")
    answers = iter([OSError("STS does not answer"), {credentials.FILE: "keys 1"}, {credentials.FILE: "keys 2"}])

    def make() -> dict[str, str]:
        answer = next(answers, None)
        if answer is None:
            made.set()
            raise OSError("no more")
        if isinstance(answer, OSError):
            raise answer
        return answer

    with credentials.renewed(file, make, period=0.01):
        assert made.wait(10)
    assert file.read_text() == "keys 2"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "STS does not answer" in capsys.readouterr().err
    assert not any(each.name == "keys" for each in threading.enumerate())
