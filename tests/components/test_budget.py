"""A stack's budget on AWS: what is registered, and that a stack without a ceiling has none."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from groundplan.spec.cost import CostSpec

pytest.importorskip("pulumi_aws", reason="SKIPPED: pulumi-aws is not installed: uv sync --extra aws")

from groundplan_components.aws.budget import Budget


class Registered(mocks.Mocks):
    """Keeps what is registered: type → inputs."""

    def __init__(self) -> None:
        self.inputs: dict[str, dict[str, Any]] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        self.inputs[args.typ] = args.inputs
        return f"{args.name}-id", {**args.inputs, "arn": f"arn:aws:ce::1:{args.name}"}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {}, None


def registered(cost: CostSpec) -> dict[str, dict[str, Any]]:
    found = Registered()
    pulumi.runtime.set_mocks(found, "groundplan", "prod")
    pulumi.runtime.test(lambda: Budget("budget", "my_prod", cost) and None)()
    return found.inputs


def test_a_ceiling_is_a_budget_whose_alarms_tell_the_declared_people() -> None:
    told = registered(CostSpec(ceiling_usd_per_month=3000, alarm_emails=("ops@example.org",), alarm_at_percent=(80,)))
    budget = told["aws:budgets/budget:Budget"]
    assert (budget["limitAmount"], budget["limitUnit"], budget["timeUnit"]) == ("3000.00", "USD", "MONTHLY")
    assert budget["costFilters"] == [{"name": "TagKeyValue", "values": ["user:groundplan:stack$my_prod"]}]
    kinds = [(n["notificationType"], n["threshold"]) for n in budget["notifications"]]
    assert kinds == [("ACTUAL", 80.0), ("FORECASTED", 100.0)]
    assert all(n["subscriberEmailAddresses"] == ["ops@example.org"] for n in budget["notifications"])
    leaps = told["aws:costexplorer/anomalySubscription:AnomalySubscription"]
    assert leaps["thresholdExpression"]["dimension"]["values"] == ["300.00"]
    assert leaps["monitorArnLists"] == ["arn:aws:ce::1:leaps"]


def test_nobody_to_tell_is_a_budget_alone_and_no_ceiling_is_nothing() -> None:
    alone = registered(CostSpec(ceiling_usd_per_month=10))
    assert "aws:budgets/budget:Budget" in alone
    assert not any("costexplorer" in kind for kind in alone)
    assert set(registered(CostSpec())) == {"groundplan:aws:Budget"}
