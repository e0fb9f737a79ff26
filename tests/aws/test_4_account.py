"""What only an account can say is said at preview, in one line: asked of an emulator that has several accounts."""

from collections.abc import Iterator
from typing import Any

import boto3
import pulumi
import pytest

from groundplan.account import Account, open_account, refuse
from groundplan.errors import GroundplanError, SpecError
from groundplan.spec import StackSpec
from groundplan.spec.aws import AdoptSpec, NetworkSpec
from groundplan_components.aws.objects import bucket_names
from groundplan_components.aws.target import site_of
from groundplan_components.deploy import deploy
from tests.support.aws.emulator import ACCOUNT, REGION, credentials, emulator
from tests.support.aws.registrations import ROOT, example
from tests.support.aws.skipping import needs

OTHERS = "999999999999"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An emulator."""
    with needs("the emulator"), emulator(tmp_path_factory.mktemp("emulator")) as found:
        yield found


@pytest.fixture
def stack(url: str, monkeypatch: pytest.MonkeyPatch) -> StackSpec:
    """stacks/prod.yaml in the emulator's account, with credentials of it."""
    for name, value in credentials(url).items():
        monkeypatch.setenv(name, value)
    return example(account=ACCOUNT)[0]


def client(url: str, service: str, account: str = ACCOUNT) -> Any:
    """boto3 as somebody of an account."""
    keys = {"aws_access_key_id": account, "aws_secret_access_key": "test"}
    return boto3.client(service, endpoint_url=url, region_name=REGION, **keys)


def said(stack: StackSpec, change: dict[str, Any] | None = None) -> list[str]:
    """What is refused, line by line."""
    assert stack.aws is not None
    stack = stack.model_copy(update={"aws": stack.aws.model_copy(update=change or {})})
    assert stack.aws is not None
    account = open_account(stack.aws)
    assert account is not None
    try:
        refuse(stack, account, bucket_names(site_of(stack)))
    except SpecError as error:
        return str(error).splitlines()
    return []


@pytest.fixture
def taken(url: str) -> Iterator[Any]:
    """Makes a bucket of the stack's, as another account or with other tags; gone afterwards."""
    made: list[tuple[Any, str]] = []

    def make(purpose: str, account: str = ACCOUNT, tag: str | None = None) -> str:
        s3, name = client(url, "s3", account), bucket_names(site_of(example(account=ACCOUNT)[0]))[purpose]
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.append((s3, name))
        if tag:
            s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "groundplan:stack", "Value": tag}]})
        return name

    yield make
    for s3, name in made:
        s3.delete_bucket(Bucket=name)


def test_nothing_is_refused_in_an_account_with_nothing_in_the_way(stack: StackSpec) -> None:
    assert said(stack) == []


def test_a_bucket_of_another_account_is_one_line(stack: StackSpec, taken: Any) -> None:
    name = taken("data", OTHERS)
    assert said(stack) == [
        "stacks/prod.yaml: aws.objects: the bucket for data is another account's, or these credentials may not see it; "
        f"got {name}; fix: another name: for the stack (buckets are named by stack, account and region)"
    ]


def test_the_program_says_it_before_anything_is_declared(stack: StackSpec, taken: Any) -> None:
    taken("logs", OTHERS)
    pulumi.runtime.set_config("groundplan:stack-id", "0b5e9f0e-test")
    with pytest.raises(GroundplanError, match=r"aws\.objects: the bucket for logs is another account's"):
        deploy(stack, example(account=ACCOUNT)[1], ROOT)


@pytest.mark.parametrize(("tag", "whose"), [(None, "of no stack"), ("staging", "stack staging's")])
def test_a_bucket_that_is_not_this_stacks_is_not_taken_over(
    stack: StackSpec, taken: Any, tag: str | None, whose: str
) -> None:
    taken("locked", tag=tag)
    [line] = said(stack)
    assert f"aws.objects: the bucket for locked is there, and {whose}" in line


def test_a_bucket_of_this_stack_is_its_own(stack: StackSpec, taken: Any) -> None:
    taken("data", tag="prod")
    assert said(stack) == []


def test_credentials_of_another_account_are_one_line(stack: StackSpec) -> None:
    [line] = said(stack, {"account": OTHERS})
    assert line.startswith(f"stacks/prod.yaml: aws.account: the credentials in this environment are of {ACCOUNT}; got")
    assert "AWS_PROFILE" in line


def test_a_subnet_that_is_not_where_it_is_said_to_be_is_one_line(stack: StackSpec, url: str) -> None:
    ec2 = client(url, "ec2")
    vpc, other = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16")["Vpc"]["VpcId"] for n in (50, 51))
    made = {(owner, zone): ec2.create_subnet(VpcId=owner, CidrBlock=f"10.{n}.1.0/24", AvailabilityZoneId=zone)["Subnet"]
            for n, owner, zone in ((50, vpc, "euc1-az1"), (51, other, "euc1-az2"))}  # fmt: skip
    ids = {key: each["SubnetId"] for key, each in made.items()}
    subnets = {"euc1-az1": ids[vpc, "euc1-az1"], "euc1-az2": ids[other, "euc1-az2"], "euc1-az3": "subnet-01234567"}
    lines = said(stack, {"network": NetworkSpec(adopt=AdoptSpec(vpc=vpc, private_subnets=subnets))})
    assert [line.split("; fix")[0] for line in lines] == [
        f"stacks/prod.yaml: aws.network.adopt.private_subnets.euc1-az2: is of {other}, not of {vpc}; "
        f"got {ids[other, 'euc1-az2']}",
        "stacks/prod.yaml: aws.network.adopt.private_subnets.euc1-az3: is no subnet of this account and region; "
        "got subnet-01234567",
    ]
    swapped = {"euc1-az1": ids[vpc, "euc1-az1"], "euc1-az2": ids[vpc, "euc1-az1"]}
    [line] = said(stack, {"network": NetworkSpec(adopt=AdoptSpec(vpc=vpc, private_subnets=swapped))})
    assert "adopt.private_subnets.euc1-az2: lies in euc1-az1" in line


def test_who_is_asked_is_one_account(stack: StackSpec) -> None:
    assert stack.aws is not None
    found = open_account(stack.aws)
    assert isinstance(found, Account)
    assert found.id == ACCOUNT
