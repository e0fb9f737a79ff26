"""What is said before anything is made: what will not fit, and what it is estimated to cost."""

from typing import Any

import pulumi

from groundplan.account import open_account, quotas_of
from groundplan.capacity import shortages_of
from groundplan.cost import bill_of, estimate, price_table, refuse_over_ceiling
from groundplan.plan import Plan
from groundplan.spec import StackSpec


def foresee(stack: StackSpec, plan: Plan) -> dict[str, Any]:
    """Warn of every shortage, tell the estimate; return the output ``bill``, which the next estimate is held against.

    Raises SpecError when the stack may cost more than the ceiling that it declares.
    """
    for shortage in shortages_of(with_quotas(stack), plan):
        pulumi.log.warn(f"capacity: {shortage}")
    bill = bill_of(stack, plan)
    if not bill.lines:
        return {}
    found = estimate(bill, price_table(stack.cost.prices))
    refuse_over_ceiling(stack, found)
    total = found.total.rounded
    where = f"list prices of {found.date}, {found.region}; groundplan cost {stack.name}"
    pulumi.log.info(f"estimated cost: {total.low:,.2f} to {total.high:,.2f} USD a month ({where})")
    for item in found.unpriced:
        pulumi.log.warn(f"cost: no price in {found.region} for {item}; fix: cost: {{prices: {{{item}: …}}}}")
    return {"bill": bill.to_dict()}


def with_quotas(stack: StackSpec) -> StackSpec:
    """Return the stack with the quotas that it does not declare, as its account has them, where it can be asked."""
    account = open_account(stack.aws) if stack.aws is not None else None
    if account is None:
        return stack
    quotas = quotas_of(account, stack.capacity.quotas)
    return stack.model_copy(update={"capacity": stack.capacity.model_copy(update={"quotas": quotas})})
