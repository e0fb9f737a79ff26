"""How every command's own application is made, so that all of them look and fail alike."""

import typer

#: The argument that names the environment, the same for every command.
ENV = typer.Argument("local", metavar="[ENV]", help="The environment: stacks/<ENV>.yaml.", show_default=True)
#: The same for commands whose argument is something else.
ENV_OPTION = typer.Option("local", "--env", "-e", metavar="ENV", help="The environment: stacks/<ENV>.yaml.")
JSON = typer.Option(False, "--json", help="Answer as JSON.")
#: Why a person does something: it is kept for ever.
REASON = typer.Option(..., "--reason", "-m", metavar="TEXT", help="Why; the history keeps it.")


def command_app() -> typer.Typer:
    """An application for one command's module."""
    return typer.Typer(rich_markup_mode="rich", add_completion=False, pretty_exceptions_enable=False)
