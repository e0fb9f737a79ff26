"""``groundplan promote``."""

import typer

from groundplan.cli._aliases import ask, find_alias
from groundplan.cli._app import ENV_OPTION, JSON, REASON, command_app

app = command_app()


@app.command(epilog="groundplan promote flights/delay@production 3 --reason 'the holidays need it'")
def promote(
    alias: str = typer.Argument(..., metavar="MODEL@ALIAS", help="Such as flights/delay@production."),
    version: int = typer.Argument(..., metavar="VERSION", min=1, help="The pair version; groundplan history MODEL."),
    reason: str = REASON,
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Let an alias point to a pair version, and hold it there, whatever its YAML follows, until it is released.

    The alias's gates have their say: a refusal says which gate, the value and the bound, and changes nothing. Where an
    approval is missing, it says how to get one; the alias then moves by itself. Exit code 1: refused.
    """
    ask(find_alias(alias, env), "move", {"version": version, "reason": reason}, json)
