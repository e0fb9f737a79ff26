"""``groundplan rollback``."""

import typer

from groundplan.cli._aliases import ask, find_alias
from groundplan.cli._app import ENV_OPTION, JSON, REASON, command_app

app = command_app()


@app.command(epilog="groundplan rollback flights/delay --reason 'wrong on Sundays' · groundplan history flights/delay")
def rollback(
    alias: str = typer.Argument(..., metavar="MODEL[@ALIAS]", help="Without @ALIAS: the one that the stack serves."),
    reason: str = REASON,
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Take an alias back to the pair version before this one. It was kept warm: applications answer with it at once.

    No gate delays it. The alias is held there against `follow: latest`, with your reason in every preview, until
    `groundplan release`. Asked for again, it goes one version further back.
    """
    ask(find_alias(alias, env), "rollback", {"reason": reason}, json)
