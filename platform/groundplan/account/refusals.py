"""What cannot become true in this account: it is another one, a name is taken, a subnet lies elsewhere."""

from collections.abc import Iterator, Mapping
from typing import Any

from groundplan.account.ask import Account
from groundplan.errors import Problem, SpecError
from groundplan.spec import AwsSpec, StackSpec
from groundplan.spec.aws import AdoptSpec
from groundplan.spec.finding import Finding, Path

TAG = "groundplan:stack"
MISSING, FORBIDDEN = "404", "403"


def refuse(stack: StackSpec, account: Account, buckets: Mapping[str, str]) -> None:
    """Raise SpecError with a line for everything that AWS would refuse in the middle of an ``up``.

    ``buckets``: what a bucket is for → its name. ``stack.aws`` is there.
    """
    assert stack.aws is not None  # noqa: S101 (the spec's rules: target aws has it)
    found = list(_findings(stack.name, stack.aws, account, buckets))
    if found:
        raise SpecError([_problem(stack.name, each) for each in found])


def _findings(stack: str, aws: AwsSpec, account: Account, buckets: Mapping[str, str]) -> Iterator[Finding]:
    if account.id != aws.account:
        fix = f"credentials of {aws.account} (AWS_PROFILE), or the other number here"
        yield Finding(
            ("aws", "account"), f"the credentials in this environment are of {account.id}", aws.account, fix=fix
        )
        return
    client = account.client("s3")
    for purpose, name in buckets.items():
        yield from _bucket(client, stack, aws, purpose, name)
    if aws.network.adopt is not None:
        yield from _subnets(account.client("ec2"), aws.network.adopt)


def _bucket(client: Any, stack: str, aws: AwsSpec, purpose: str, name: str) -> Iterator[Finding]:
    """Yield a line for a bucket that somebody else has: names are one on earth."""
    from botocore.exceptions import ClientError  # noqa: PLC0415

    path: Path = ("aws", "objects")
    fix = "another name: for the stack (buckets are named by stack, account and region)"
    try:
        client.head_bucket(Bucket=name, ExpectedBucketOwner=aws.account)
        tags = client.get_bucket_tagging(Bucket=name)["TagSet"]
    except ClientError as error:
        code = _status(error)
        if code == FORBIDDEN:
            what = f"the bucket for {purpose} is another account's, or these credentials may not see it"
            yield Finding(path, what, name, fix=fix)
        elif _code(error) == "NoSuchTagSet":
            yield Finding(path, f"the bucket for {purpose} is there, and of no stack", name, fix=fix)
        elif code != MISSING:
            raise
        return
    owner = next((each["Value"] for each in tags if each["Key"] == TAG), None)
    if owner != stack:
        whose = f"stack {owner}'s" if owner else "of no stack"
        yield Finding(path, f"the bucket for {purpose} is there, and {whose}", name, fix=fix)


def _subnets(client: Any, adopt: AdoptSpec) -> Iterator[Finding]:
    """Yield a line for each subnet of an adopted VPC that is not there, or not where it is said to be."""
    declared = [(kind, zone, id) for kind in ("private_subnets", "public_subnets")
                for zone, id in sorted(getattr(adopt, kind).items())]  # fmt: skip
    known = {each["SubnetId"]: each for each in _described(client, [id for _, _, id in declared])}
    for kind, zone, id in declared:
        path, found = ("aws", "network", "adopt", kind, zone), known.get(id)
        if found is None:
            yield Finding(path, "is no subnet of this account and region", id, fix="aws ec2 describe-subnets")
        elif found["VpcId"] != adopt.vpc:
            yield Finding(path, f"is of {found['VpcId']}, not of {adopt.vpc}", id, fix="name one of that VPC")
        elif found["AvailabilityZoneId"] != zone:
            yield Finding(path, f"lies in {found['AvailabilityZoneId']}", id, fix="put it under its own zone")


def _described(client: Any, ids: list[str]) -> list[dict[str, Any]]:
    # By a filter, and not by ids: AWS answers one unknown id with an error that hides all others.
    found: list[dict[str, Any]] = client.describe_subnets(Filters=[{"Name": "subnet-id", "Values": ids}])["Subnets"]
    return found


def _status(error: Any) -> str:
    return str(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _problem(stack: str, finding: Finding) -> Problem:
    path = ".".join(str(part) for part in finding.path)
    return Problem(f"stacks/{stack}.yaml", None, path, finding.what, finding.value, finding.allowed, finding.fix)
