"""``groundplan up``."""

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._changes import Difference, differences, tell_up
from groundplan.cli._checkout import open_checkout
from groundplan.cli._cluster import require_cluster
from groundplan.cli._console import say
from groundplan.cli._engine import INTERRUPTED, pulumi
from groundplan.cli._owner import require_owner
from groundplan.cli._platform import Platform
from groundplan.cli._policies import OPTION, pack_of
from groundplan.cli._settings import stack_id
from groundplan.cli._summary import summarize
from groundplan.cli._transfer import take_pairs
from groundplan.cli._workspace import open_workspace
from groundplan.compose import load
from groundplan.kind.upkeep import wake
from groundplan.plan import build_plan

app = command_app()


@app.command(epilog="groundplan up · groundplan up local   (a second one finds nothing to do)")
def up(
    env: str = ENV,
    diff: bool = typer.Option(False, "--diff", help="Show every property that changes."),
    policies: bool | None = OPTION,
) -> None:
    """Make the world match the declaration: tools, services, features, training, serving; then a real prediction.

    Ctrl-C stops waiting, not a training that has begun: the next `up` joins it.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    if stack.target == "kind":
        wake(stack, stack_id(checkout) or "", checkout.root)
    require_cluster(checkout, stack)
    require_owner(checkout, stack)
    platform, plan = Platform(checkout, stack), build_plan(stack, projects)
    before = differences(platform, plan)
    arguments = ["up", "--yes", *(["--diff"] if diff else [])]
    code = pulumi(open_workspace(checkout), arguments, pack_of(checkout, stack, policies))
    if code == INTERRUPTED:
        say(f"interrupted: work that has begun on the platform goes on; join it with: groundplan up {env}")
        say(f"see where it is with: groundplan status {env}")
    if code != INTERRUPTED:
        found = before if before is not None else [Difference(node.id, "create", True) for node in plan.nodes]
        tell_up(platform, plan, found, succeeded=not code)
    if code:
        raise typer.Exit(code)
    take_pairs(stack, projects)
    summarize(platform, projects)
