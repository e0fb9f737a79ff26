"""The account is asked only where there are credentials; what it says of quotas goes where nothing is declared."""

from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from groundplan.account import Account, open_account, quotas_of, signed_in
from groundplan.account.ask import CREDENTIALS
from groundplan.capacity.shortages import QUOTA_CODES
from groundplan.errors import GroundplanError
from groundplan.spec import AwsSpec
from groundplan.spec.cost import QuotasSpec

AWS = AwsSpec(region="eu-central-1", account="123456789012")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine without credentials."""
    for name in CREDENTIALS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return monkeypatch


def test_nobody_is_asked_without_credentials(machine: pytest.MonkeyPatch) -> None:
    assert not signed_in()
    assert open_account(AWS) is None


def test_a_profile_that_holds_nothing_asks_nobody(machine: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    assert signed_in()
    assert open_account(AWS) is None


def test_a_profile_that_is_not_there_is_one_line(machine: pytest.MonkeyPatch) -> None:
    machine.setenv("AWS_PROFILE", "nobodys")
    with pytest.raises(GroundplanError, match=r"profile \(nobodys\) could not be found.*fix: sign in to account 1234"):
        open_account(AWS)


def account(answers: dict[str, float | None]) -> Account:
    """An account with some quotas by family; None: it says that it knows of none."""
    client = boto3.client(
        "service-quotas", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    stub = Stubber(client)
    for family, value in answers.items():
        asked = {"ServiceCode": "ec2", "QuotaCode": QUOTA_CODES[family]}
        if value is None:
            stub.add_client_error("get_service_quota", "AccessDeniedException", expected_params=asked)
        else:
            stub.add_response("get_service_quota", {"Quota": {"Value": value}}, asked)
    stub.activate()
    return Account("123456789012", lambda _: client)


def test_quotas_of_the_account_fill_those_not_declared() -> None:
    answers: dict[str, float | None] = dict.fromkeys(QUOTA_CODES, 64.0)
    del answers["g"]
    found = quotas_of(account(answers), QuotasSpec(g=16))
    assert (found.g, found.standard, found.p_spot) == (16, 64, 64)


@pytest.mark.parametrize("declared", [QuotasSpec(), QuotasSpec(g=16)])
def test_who_may_not_ask_for_quotas_sees_what_is_declared(declared: QuotasSpec) -> None:
    first: Any = next(family for family in QUOTA_CODES if getattr(declared, family) is None)
    assert quotas_of(account({first: None}), declared) == declared
