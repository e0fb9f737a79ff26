"""``groundplan check``."""

import typer

from groundplan.checks import check_sql
from groundplan.cli._app import ENV, JSON, command_app
from groundplan.cli._checkout import Checkout, open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.compose import load
from groundplan.errors import Problem, SpecError
from groundplan.plan import Plan, build_plan

app = command_app()


@app.command(epilog="groundplan check · groundplan check local --json")
def check(env: str = ENV, json: bool = JSON) -> None:
    """Check every declaration, every reference, and every SQL statement against the schema it reads.

    Shows all mistakes at once, one line each: where, the value given, the values allowed, the fix. Touches nothing.
    """
    checkout = open_checkout(env)
    try:
        plan = _checked(checkout)
    except SpecError as error:
        if not json:
            raise
        print_json({"problems": [_document(problem) for problem in error.problems]})
        raise typer.Exit(1) from None
    if json:
        print_json({"problems": [], "nodes": len(plan.nodes), "plan": plan.digest})
    else:
        print_line(f"{env}: nothing wrong; {len(plan.nodes)} nodes, plan {plan.digest}")


def _checked(checkout: Checkout) -> Plan:
    stack, projects = load(checkout.root, checkout.env)
    if problems := check_sql(projects):
        raise SpecError(problems)
    return build_plan(stack, projects)


def _document(problem: Problem) -> dict[str, object]:
    return {key: getattr(problem, key) for key in problem.__dataclass_fields__}
