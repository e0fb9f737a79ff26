"""``groundplan approve``."""

from typing import Any

import typer

from groundplan.cli._aliases import find_alias, show_moved
from groundplan.cli._app import ENV_OPTION, JSON, REASON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._models import find_model
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import open_platform
from groundplan.compose import load

app = command_app()


@app.command(epilog="groundplan approve flights/delay 3 --reason 'compared with last week by hand'")
def approve(
    model: str = typer.Argument(..., metavar="MODEL", help="A declared model: MODEL or PROJECT/MODEL."),
    version: int = typer.Argument(..., metavar="VERSION", min=1, help="The pair version."),
    reason: str = REASON,
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Approve a pair version for the aliases whose gates ask for an approval; those that waited move at once.

    Whoever trained the version, or asked for its promotion, cannot approve it. Who you are: GROUNDPLAN_ACTOR, or else
    your user name.
    """
    checkout = open_checkout(env)
    platform, (_, projects) = open_platform(checkout), load(checkout.root, env)
    project, name = find_model(projects, model)
    path = f"/registry/models/{project}/{name}/versions/{version}:approve"
    answer = platform.post(path, {"reason": reason})
    if json:
        ended = [follow_or_leave(platform, each["operation"], "look: groundplan status") for each in answer["aliases"]]
        print_json({"approval": answer["approval"], "aliases": [_brief(each) for each in ended]})
        return
    approval = answer["approval"]
    print_line(f"{approval['actor']} approved {project}/{name} {approval['version']}: {approval['reason']}")
    for each in answer["aliases"]:
        named = find_alias(f"{project}/{each['alias']}", env)
        before = each["resource"]["outputs"].get("points_to")
        found = follow_or_leave(platform, each["operation"], "look: groundplan status")
        show_moved(named, found["outputs"], before, json, found.get("message"))


def _brief(resource: dict[str, Any]) -> dict[str, Any]:
    kept = {key: resource[key] for key in ("name", "status", "message")}
    return {**kept, "points_to": resource["outputs"].get("points_to")}
