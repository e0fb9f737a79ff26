"""``groundplan preview``."""

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._changes import differences, show_touched
from groundplan.cli._checkout import open_checkout
from groundplan.cli._engine import CHANGES, INTERRUPTED, pulumi
from groundplan.cli._platform import Platform
from groundplan.cli._workspace import open_workspace
from groundplan.compose import load
from groundplan.plan import build_plan

app = command_app()


@app.command(
    epilog="groundplan preview · groundplan preview local --diff · exit code 0: nothing, 2: changes, 1: an error"
)
def preview(
    env: str = ENV,
    diff: bool = typer.Option(False, "--diff", help="Show every property that changes."),
) -> None:
    """What `up` would change: what was edited, and what changed behind the declaration's back.

    Then the models, endpoints and teams that the edits touch, and whether a training is due.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    code = pulumi(open_workspace(checkout), ["preview", "--expect-no-changes", *(["--diff"] if diff else [])])
    if code == CHANGES:
        plan = build_plan(stack, projects)
        found = differences(Platform(checkout, stack), plan)
        if found:
            show_touched(found, plan, projects)
    raise typer.Exit({0: 0, CHANGES: 2, INTERRUPTED: INTERRUPTED}.get(code, 1))
