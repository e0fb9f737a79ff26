"""``groundplan shadow``."""

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_table, say
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import open_platform
from groundplan.cli._predictions import find_application
from groundplan.compose import load

app = command_app()
COLUMNS = ["alias", "version", "answered_by", "rows", "mean_difference", "mean_absolute", "largest", "beyond"]


@app.command(epilog="groundplan shadow flights/delay --tolerance 5 · groundplan shadow flights/delay --json")
def shadow(
    application: str = typer.Argument("", metavar="[APPLICATION]", help="Not needed where there is one."),
    sample: int = typer.Option(10_000, min=1, max=1_000_000, help="Rows: the newest ones of the prediction log."),
    tolerance: float = typer.Option(0.0, min=0.0, help="Differences up to it do not count as beyond; target's unit."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Compare what shadows would have answered with what was answered, on the same requests."""
    checkout = open_checkout(env)
    platform, (_, projects) = open_platform(checkout), load(checkout.root, env)
    asked = find_application(projects, application)
    path = f"/projects/{asked.project.spec.name}/applications/{asked.name}:shadow"
    operation = str(platform.post(path, {"sample": sample, "tolerance": tolerance})["operation"])
    found = follow_or_leave(platform, operation, "look: groundplan status")["outputs"]["shadow"]
    if json:
        print_json(found)
        return
    if not found["shadows"]:
        say(f"{found['rows']} rows looked at: no shadow among them; declare one: serving.{asked.name}.shadow: [latest]")
        return
    print_table(COLUMNS, [[each[column] for column in COLUMNS] for each in found["shadows"]], asked.id)
