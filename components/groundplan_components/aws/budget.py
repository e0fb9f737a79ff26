"""The month's budget of a stack, and who is told when its real cost passes it, or leaps."""

import json

import pulumi
import pulumi_aws as aws

from groundplan.plan.model import digest_of
from groundplan.spec.cost import CostSpec

#: The tag by which AWS tells a stack's cost from others'. It counts once it is active as a cost allocation tag.
TAG = "groundplan:stack"


class Budget(pulumi.ComponentResource):
    """A monthly budget at the declared ceiling, with its alarms; and a watch for leaps below it.

    The estimate before `up` is from list prices: these look at what AWS really bills. ``budget`` is there where a
    ceiling is declared, ``alarms`` where somebody is to be told.
    """

    budget: aws.budgets.Budget | None = None
    alarms: aws.costexplorer.AnomalySubscription | None = None

    def __init__(self, name: str, stack: str, cost: CostSpec, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:aws:Budget", name, None, opts)
        self.stack, self.cost = stack, cost
        if cost.ceiling_usd_per_month is not None:
            self.budget = self._budget(cost.ceiling_usd_per_month)
            if cost.alarm_emails:
                self.alarms = self._leaps(cost.ceiling_usd_per_month)
        self.register_outputs({"ceiling_usd_per_month": cost.ceiling_usd_per_month})

    @property
    def _title(self) -> str:
        return f"groundplan-{self.stack}".replace("_", "-")

    def _tags(self, part: str) -> dict[str, str]:
        declared = digest_of([part, self.cost.model_dump(mode="json")])
        named = {"Name": f"{self._title}-{part}", TAG: self.stack}
        return {**named, "groundplan:project": "platform", "groundplan:digest": declared}

    def _budget(self, ceiling: float) -> aws.budgets.Budget:
        told = [("ACTUAL", float(percent)) for percent in self.cost.alarm_at_percent] + [("FORECASTED", 100.0)]
        return aws.budgets.Budget(
            "budget",
            name=f"{self._title}-month",
            budget_type="COST",
            time_unit="MONTHLY",
            limit_amount=f"{ceiling:.2f}",
            limit_unit="USD",
            cost_filters=[{"name": "TagKeyValue", "values": [f"user:{TAG}${self.stack}"]}],
            notifications=[self._notification(kind, percent) for kind, percent in told if self.cost.alarm_emails],
            tags=self._tags("month"),
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _notification(self, kind: str, percent: float) -> aws.budgets.BudgetNotificationArgs:
        return aws.budgets.BudgetNotificationArgs(
            comparison_operator="GREATER_THAN",
            notification_type=kind,
            threshold=percent,
            threshold_type="PERCENTAGE",
            subscriber_email_addresses=list(self.cost.alarm_emails),
        )

    def _leaps(self, ceiling: float) -> aws.costexplorer.AnomalySubscription:
        """Tell of a leap of a tenth of the ceiling: a replica range or a node group that ran away."""
        monitor = aws.costexplorer.AnomalyMonitor(
            "leaps",
            name=f"{self._title}-leaps",
            monitor_type="CUSTOM",
            monitor_specification=json.dumps({"Tags": {"Key": TAG, "Values": [self.stack]}}),
            tags=self._tags("leaps"),
            opts=pulumi.ResourceOptions(parent=self),
        )
        return aws.costexplorer.AnomalySubscription(
            "leaps-told",
            name=f"{self._title}-leaps",
            frequency="DAILY",
            monitor_arn_lists=[monitor.arn],
            subscribers=[{"type": "EMAIL", "address": email} for email in self.cost.alarm_emails],
            threshold_expression={
                "dimension": {
                    "key": "ANOMALY_TOTAL_IMPACT_ABSOLUTE",
                    "match_options": ["GREATER_THAN_OR_EQUAL"],
                    "values": [f"{ceiling / 10:.2f}"],
                }
            },
            tags=self._tags("leaps-told"),
            opts=pulumi.ResourceOptions(parent=self),
        )
