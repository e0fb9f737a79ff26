"""``groundplan release``."""

import typer

from groundplan.cli._aliases import ask, find_alias
from groundplan.cli._app import ENV_OPTION, JSON, command_app

app = command_app()


@app.command(epilog="groundplan release flights/delay@production · groundplan status")
def release(
    alias: str = typer.Argument(..., metavar="MODEL@ALIAS", help="Such as flights/delay@production."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Lift the hold that a promotion or a rollback by hand left: the alias does what its YAML says again.

    `follow: latest` moves it to the newest pair version at once, through its gates.
    """
    ask(find_alias(alias, env), "release", None, json)
