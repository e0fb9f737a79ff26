"""``groundplan preview``."""

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._changes import differences, show_touched
from groundplan.cli._checkout import Checkout, open_checkout
from groundplan.cli._cluster import require_cluster
from groundplan.cli._console import print_line
from groundplan.cli._costs import deployed_bill, show_costs
from groundplan.cli._engine import CHANGES, INTERRUPTED, pulumi
from groundplan.cli._owner import require_owner
from groundplan.cli._platform import Platform
from groundplan.cli._policies import OPTION, pack_of
from groundplan.cli._workspace import open_workspace
from groundplan.compose import load
from groundplan.cost import bill_of, estimate, price_table
from groundplan.plan import Plan, build_plan
from groundplan.spec import StackSpec

app = command_app()


@app.command(
    epilog="groundplan preview · groundplan preview local --diff · exit code 0: nothing, 2: changes, 1: an error"
)
def preview(
    env: str = ENV,
    diff: bool = typer.Option(False, "--diff", help="Show every property that changes."),
    policies: bool | None = OPTION,
) -> None:
    """What `up` would change: what was edited, and what changed behind the declaration's back.

    Then the models, endpoints and teams that the edits touch, and whether a training is due; on a cloud, what it is
    estimated to cost a month.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    require_cluster(checkout, stack, preview=True)
    require_owner(checkout, stack, preview=True)
    arguments = ["preview", "--expect-no-changes", *(["--diff"] if diff else [])]
    code = pulumi(open_workspace(checkout), arguments, pack_of(checkout, stack, policies))
    plan = build_plan(stack, projects)
    if code in (0, CHANGES):
        _show_cost(checkout, stack, plan)
    if code == CHANGES:
        found = differences(Platform(checkout, stack), plan)
        if found:
            show_touched(found, plan, projects)
    raise typer.Exit({0: 0, CHANGES: 2, INTERRUPTED: INTERRUPTED}.get(code, 1))


def _show_cost(checkout: Checkout, stack: StackSpec, plan: Plan) -> None:
    """What it is estimated to cost, and what the change adds, where somebody bills it."""
    table, bill, old = price_table(stack.cost.prices), bill_of(stack, plan), deployed_bill(checkout)
    if bill.lines or (old and old.lines):
        print_line()
        show_costs(estimate(bill, table), estimate(old, table) if old else None, "the last up")
