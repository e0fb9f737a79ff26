"""``groundplan env``."""

import os
import shlex

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line
from groundplan.cli._workspace import open_workspace

app = command_app()


@app.command(epilog='eval "$(groundplan env local)" && pulumi up -s local')
def env(
    env: str = ENV,
    json: bool = typer.Option(False, "--json", help="As JSON, without `export`."),
) -> None:
    """Print the variables with which plain `pulumi` works on a stack: backend, passphrase file, PATH."""
    variables = open_workspace(open_checkout(env)).variables()
    if json:
        print_json(variables)
        return
    if "PULUMI_CONFIG_PASSPHRASE" in os.environ:
        # It would win over the file.
        print_line("unset PULUMI_CONFIG_PASSPHRASE")
    for name, value in variables.items():
        print_line(f"export {name}={shlex.quote(value)}")
