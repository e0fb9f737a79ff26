"""Tier 3: a stack's whole life by the real engine, bridge and provider, against an emulator of AWS."""

import contextlib
import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest

from groundplan.cli._adoption import IDS, settle
from tests.support.aws.emulator import ACCOUNT, REGION, credentials, emulator
from tests.support.aws.lab import AwsLab
from tests.support.aws.skipping import needs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

STACK: dict[str, Any] = {
    "name": "lab",
    "target": "aws",
    "projects": ["flights"],
    "protection": {"keep_data": False},
    "aws": {
        "region": REGION,
        "account": ACCOUNT,
        "network": {"zones": ["euc1-az1", "euc1-az2"], "endpoints": ["ecr"]},
        "eks": {
            "version": "1.33",
            "endpoint": "public",
            "deployers": ["198.51.100.7/32"],
            "admins": [f"arn:aws:iam::{ACCOUNT}:role/admins"],
            "node_groups": {
                "general": {"instances": ["m7i.large"], "min": 2, "max": 3},
                "gpu": {"instances": ["g5.xlarge"], "market": "spot", "max": 2},
            },
        },
        "database": {"deletion_protection": False},
    },
}


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory, bridge: Path) -> Iterator[str]:
    """An emulator."""
    with needs("the emulator"), emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, url: str) -> AwsLab:
    """A project whose program is our infrastructure."""
    made = AwsLab(tmp_path_factory.mktemp("lab") / "lab", {}, environment=credentials(url))
    made.declare_stack(STACK)
    return made


def client(url: str, service: str) -> Any:
    """boto3 at the emulator: the hand that changes something behind our back."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, **keys)


def left(url: str) -> list[str]:
    """Processes that still know the emulator, our own and the emulator itself left out: nothing outlives the engine."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("AWS_ENDPOINT_URL") == url and process.pid != os.getpid():
                found.append(process.name())
    return found


def test_1_up_makes_everything(lab: AwsLab, url: str) -> None:
    made = lab.up().changes
    assert set(made.values()) == {"create"}
    assert len(made) > 120
    cluster = client(url, "eks").describe_cluster(name="groundplan-lab")["cluster"]
    assert cluster["version"] == "1.33"


def test_2_the_second_up_changes_nothing(lab: AwsLab) -> None:
    lab.quiet()


def cut_off(deployment: dict[str, Any]) -> None:
    """As an engine that was killed leaves it: whatever nothing else needs, and has the name that we gave, was begun."""
    resources = deployment["resources"]
    needed = {urn for each in resources for urn in (each.get("parent"), *each.get("dependencies", ()))}
    begun = [each for each in resources if each["type"] in IDS and each["urn"] not in needed]
    assert len({each["type"] for each in begun}) == 5
    assert any(each["urn"].endswith("::flights-train-delay-policy") for each in begun)
    deployment["resources"] = [each for each in resources if each not in begun]
    made = [{name: each[name] for name in each if name not in ("id", "outputs", "created")} for each in begun]
    deployment["pending_operations"] = [{"type": "creating", "resource": each} for each in made]


def test_3_what_a_killed_up_had_begun_is_taken_over_where_it_is_there(lab: AwsLab, url: str) -> None:
    client(url, "iam").delete_role_policy(RoleName="groundplan-lab-flights-train-delay", PolicyName="access")
    lab.edit_state(lambda deployment: (cut_off(deployment), settle(deployment)))
    changed = lab.up().changes
    assert [name for name, what in changed.items() if what != "update"] == ["flights-train-delay-policy"]
    assert changed["flights-train-delay-policy"] == "create", "which never came to be"


def test_4_drift_is_seen_and_healed(lab: AwsLab, url: str) -> None:
    eks, s3 = client(url, "eks"), client(url, "s3")
    eks.update_nodegroup_config(
        clusterName="groundplan-lab",
        nodegroupName="groundplan-lab-gpu",
        labels={"removeLabels": ["groundplan.dev/pool"]},
    )
    bucket = f"groundplan-lab-data-{ACCOUNT}-{REGION}"
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"BlockPublicAcls": False})
    client(url, "iam").delete_role_policy(RoleName="groundplan-lab-flights-train-delay", PolicyName="access")
    seen = lab.preview().changes
    assert seen == {"gpu-nodes": "update", "data": "update", "flights-train-delay-policy": "create"}
    lab.up()
    lab.quiet()
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]["BlockPublicAcls"]


def test_5_kubernetes_is_upgraded_in_place(lab: AwsLab, url: str) -> None:
    newer = copy.deepcopy(STACK)
    newer["aws"]["eks"]["version"] = "1.34"
    lab.declare_stack(newer)
    changed = lab.up().changes
    assert changed["cluster"] == changed["general-nodes"] == "update"
    assert "replace" not in changed.values()
    assert client(url, "eks").describe_cluster(name="groundplan-lab")["cluster"]["version"] == "1.34"
    lab.quiet()


def test_6_destroy_leaves_nothing(lab: AwsLab, url: str) -> None:
    lab.destroy()
    assert lab.state() == []
    assert client(url, "eks").list_clusters()["clusters"] == []
    assert [b for b in client(url, "s3").list_buckets()["Buckets"] if "groundplan" in b["Name"]] == []
    assert client(url, "rds").describe_db_instances()["DBInstances"] == []
    assert left(url) == []
    tagged = [{"Name": "tag:groundplan:stack", "Values": ["lab"]}]
    assert client(url, "ec2").describe_vpcs(Filters=tagged)["Vpcs"] == []
