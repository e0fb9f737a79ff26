"""The bill and the estimate of a stack, and the ceiling that it declares."""

from groundplan.cost.aws import aws_bill
from groundplan.cost.bill import Bill
from groundplan.cost.estimate import Estimate, estimate
from groundplan.cost.prices import price_table
from groundplan.errors import Problem, SpecError
from groundplan.plan import Plan
from groundplan.spec import StackSpec

_CEILING = "cost.ceiling_usd_per_month"


def bill_of(stack: StackSpec, plan: Plan) -> Bill:
    """Return what a stack takes in a month; nothing where nobody bills it: on this machine, in a cluster of others."""
    if stack.target != "aws" or stack.aws is None:
        return Bill()
    return aws_bill(stack.aws, stack.cluster, plan, stack.cost.usage)


def estimate_of(stack: StackSpec, plan: Plan) -> Estimate:
    """Return what that costs, with the repository's prices and the stack's own over them."""
    return estimate(bill_of(stack, plan), price_table(stack.cost.prices))


def refuse_over_ceiling(stack: StackSpec, found: Estimate) -> None:
    """Raise SpecError, one line, when the most that a stack may cost is above the ceiling that it declares.

    Also when something in it has no price: then nobody can say that it stays below.
    """
    ceiling, file = stack.cost.ceiling_usd_per_month, f"stacks/{stack.name}.yaml"
    if ceiling is None:
        return
    if found.unpriced:
        fix = f"cost: {{prices: {{{found.unpriced[0]}: …}}}}"
        what = f"cannot be held: no price in {found.region} for {', '.join(found.unpriced)}"
        raise SpecError([Problem(file, None, _CEILING, what, fix=fix)])
    most = found.total.rounded.high
    if most > ceiling:
        parts = ", ".join(f"{name} {cost.high:,.0f}" for name, cost in list(found.by_component.items())[:3])
        what = f"the stack is estimated to cost up to {most:,.2f} USD a month ({found.region}, prices of {found.date})"
        fix = f"declare less (most: {parts}; groundplan cost {stack.name}), or raise the ceiling"
        raise SpecError([Problem(file, None, _CEILING, what, f"{ceiling:,.2f}", f"at least {most:,.2f}", fix)])
