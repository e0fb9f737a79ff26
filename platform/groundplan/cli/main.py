"""Entry point: finds the command's module when it is called, and turns every error of ours into one line."""

import importlib
import importlib.metadata
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from groundplan.cli._gateway import AUTHORITY_VARIABLE, VARIABLE, choose
from groundplan.errors import GroundplanError

#: command → (its module, its line in the help). Modules load when called: `groundplan --help` stays fast.
COMMANDS = {
    "up": ("up", "Everything, from nothing to a prediction."),
    "preview": ("preview", "What `up` would change. Exit code 0: nothing, 2: changes, 1: an error."),
    "down": ("down", "Stop everything; keep the data, or remove it with --purge."),
    "status": ("status", "Services, models, aliases and endpoints, as they are now."),
    "models": ("models", "Find models by words, owner, metric, feature, tag or stage."),
    "predict": ("predict", "Ask a served model for predictions."),
    "train": ("train", "Train a model again, from what is declared."),
    "promote": ("promote", "Let an alias point to a pair version, through its gates, and hold it there."),
    "approve": ("approve", "Approve a pair version that waits for it."),
    "rollback": ("rollback", "Take an alias back to the version before, at once, and hold it there."),
    "release": ("release", "Lift a hold: the alias does what its YAML says again."),
    "history": ("history", "Every move of a model's aliases; what production was at an instant."),
    "impact": ("impact", "What a change of a feature, column or source touches: models, endpoints, teams."),
    "lineage": ("lineage", "What something is made of and what is made of it, as trees."),
    "audit": ("audit", "Who did what, when, why; and the proof that the trail is whole."),
    "skew": ("skew", "Compute what was served again, offline; exit code 1 where it differs."),
    "shadow": ("shadow", "What shadows would have answered, beside what was answered."),
    "logs": ("logs", "What a service wrote."),
    "cost": ("cost", "What a stack is estimated to cost a month, and what a change adds."),
    "login": ("login", "Sign in: people in the browser, machines by their secret."),
    "logout": ("logout", "Sign out on this machine."),
    "whoami": ("whoami", "Who you are to the platform, and what you may do."),
    "token": ("token", "Print an access token, for curl and other programs."),
    "plan": ("plan", "What is declared, as nodes and edges; needs no platform."),
    "check": ("check", "Check every declaration and every SQL statement; touches nothing."),
    "images": ("images", "The platform's own images for a cluster: names, build, push."),
    "new": ("new", "Make a new project."),
    "render": ("render", "The Kubernetes side as YAML for Kustomize and Argo CD."),
    "env": ("env", "Print the variables with which plain `pulumi` works."),
    "schema": ("schema", "The JSON Schemas that editors use."),
}
EPILOG = """[bold]Start[/bold]

groundplan up · then edit projects/flights/training/delay.yaml · groundplan preview · groundplan up

[bold]Look[/bold]

groundplan status · groundplan predict flights/delay --entity origin=JFK,carrier=AA · groundplan logs mlflow -f

[bold]Promote[/bold]

groundplan history flights/delay · groundplan rollback flights/delay --reason 'wrong on Sundays'
"""


class LazyGroup(TyperGroup):
    """Commands whose modules are imported when they are called, not when the help lists them."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A stand-in with the command's help line: what the list of commands needs."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command, imported now; an unknown name ends with the names that exist."""
        name = args[0]
        if name not in COMMANDS:
            raise GroundplanError(f"no command {name!r}; there is: {', '.join(COMMANDS)}")
        module = importlib.import_module(f"groundplan.cli.{COMMANDS[name][0]}")
        command = typer.main.get_command(module.app)
        command.name = name
        return name, command, args[1:]


app = typer.Typer(
    cls=LazyGroup,
    name="groundplan",
    help="One declaration gives a team a whole, governed ML platform, and keeps it true.",
    epilog=EPILOG,
    rich_markup_mode="rich",
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def main(
    ctx: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version."),
    gateway: str = typer.Option(
        None, "--gateway", envvar=VARIABLE, metavar="URL",
        help="Ask the platform there, as whoever is signed in (groundplan login), without its data folder.",
    ),
    gateway_ca: str = typer.Option(
        None, "--gateway-ca", envvar=AUTHORITY_VARIABLE, metavar="FILE", help="The authority to trust there.",
    ),
) -> None:  # fmt: skip
    """One declaration gives a team a whole, governed ML platform, and keeps it true."""
    choose(gateway, gateway_ca)
    if version:
        typer.echo(importlib.metadata.version("groundplan"))
    elif ctx.invoked_subcommand is None:
        typer.echo(ctx.get_help())


def run(arguments: list[str] | None = None) -> None:
    """Run the command line and exit: 1 with one line on standard error for every error a user can meet."""
    try:
        app(arguments)
    except GroundplanError as error:
        typer.echo(f"error: {error}" if "\n" not in str(error) else f"errors:\n{error}", err=True)
        sys.exit(1)
    except BrokenPipeError:
        # The reader of our output went away (`… | head`): nothing more to say to it.
        sys.stderr.close()
        sys.exit(0)
