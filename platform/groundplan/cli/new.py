"""``groundplan new``."""

import typer

from groundplan.cli._app import ENV_OPTION, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line
from groundplan.scaffold import add_to_stack, new_project

app = command_app()


@app.callback()
def new() -> None:
    """Make something new."""


@app.command(epilog="groundplan new project sales && groundplan up")
def project(
    name: str = typer.Argument(..., metavar="NAME", help="Name of the project: its folder below projects/."),
    env: str = ENV_OPTION,
) -> None:
    """Make a small project that works at once, and add it to the environment."""
    checkout = open_checkout(env)
    folder = new_project(checkout.root, name)
    add_to_stack(checkout.root, env, name)
    print_line(f"made {folder.relative_to(checkout.root)} and added it to stacks/{env}.yaml")
    print_line(f"look at it: groundplan plan {env}; bring it up: groundplan up {env}")
