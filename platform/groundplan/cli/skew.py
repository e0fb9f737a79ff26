"""``groundplan skew``."""

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import open_platform
from groundplan.cli._predictions import find_application
from groundplan.compose import load

app = command_app()


@app.command(epilog="groundplan skew flights/delay · groundplan skew flights/delay --sample 20000 --json")
def skew(
    application: str = typer.Argument("", metavar="[APPLICATION]", help="Not needed where there is one."),
    sample: int = typer.Option(1000, min=1, max=1_000_000, help="Rows: the newest ones of the prediction log."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Compute what was served again: each feature from the offline store, each prediction from the logged features.

    Exit code 0: all agree to the last bit; 1: something differs.
    """
    checkout = open_checkout(env)
    platform, (_, projects) = open_platform(checkout), load(checkout.root, env)
    asked = find_application(projects, application)
    path = f"/projects/{asked.project.spec.name}/applications/{asked.name}:skew"
    operation = str(platform.post(path, {"sample": sample})["operation"])
    found = follow_or_leave(platform, operation, "look: groundplan status")["outputs"]["skew"]
    if json:
        print_json(found)
    else:
        _show(asked.id, found)
    if found["feature_differences"] or found["prediction_differences"]:
        raise typer.Exit(1)


def _show(id: str, found: dict[str, object]) -> None:
    print_line(f"{id}: {found['rows']} rows of the log looked at, {found['compared']} compared")
    print_line(f"features that differ: {found['feature_differences'] or 'none'}")
    print_line(f"predictions that differ: {found['prediction_differences'] or 'none'}")
    if found["older_features"]:
        print_line(f"rows of features that are not in the offline store any more: {found['older_features']}")
