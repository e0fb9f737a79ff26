"""``groundplan cost``."""

import typer

from groundplan.cli._app import ENV, JSON, command_app
from groundplan.cli._checkout import Checkout, open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._costs import bill_at, deployed_bill, show_costs
from groundplan.compose import load
from groundplan.cost import Bill, Estimate, bill_of, delta, estimate, price_table
from groundplan.plan import build_plan

app = command_app()


@app.command(
    epilog="groundplan cost prod · groundplan cost prod --against main --lines · "
    "groundplan cost prod --json | jq .usd_per_month"
)
def cost(
    env: str = ENV,
    against: str = typer.Option(
        "", "--against", metavar="REF", help="Compare with a commit, branch or tag; default: with the last `up`."
    ),
    lines: bool = typer.Option(False, "--lines", help="Show every line: how much of what, at which price."),
    json: bool = JSON,
) -> None:
    """What a stack is estimated to cost a month, by component and by project, and what changed.

    From a dated price table in the repository, without an account: least with the fewest replicas and no training, most
    with all of them. cost: {ceiling_usd_per_month: 3000} in stacks/<ENV>.yaml lets a preview fail above it.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    table = price_table(stack.cost.prices)
    bill = bill_of(stack, build_plan(stack, projects))
    now, (old, since) = estimate(bill, table), _before(checkout, against)
    before = estimate(old, table) if old is not None else None
    if json:
        print_json({"stack": env, **now.to_dict(), "change": _change(now, before, since)})
    elif not bill.lines and not (before and before.rows):
        print_line(f"{env} (target {stack.target}) runs on machines that nobody bills here: nothing to estimate")
    else:
        show_costs(now, before, since, lines)


def _before(checkout: Checkout, against: str) -> tuple[Bill | None, str]:
    if against:
        return bill_at(checkout, against), against
    return deployed_bill(checkout), "the last up"


def _change(now: Estimate, before: Estimate | None, since: str) -> dict[str, object] | None:
    if before is None:
        return None
    groups = {name: delta(getattr(before, name), getattr(now, name)) for name in ("by_component", "by_project")}
    shown = {n: {key: {"low": c.low, "high": c.high} for key, c in of.items()} for n, of in groups.items()}
    total = (now.total - before.total).rounded
    return {"since": since, "usd_per_month": {"low": total.low, "high": total.high}, **shown}
