"""``groundplan promote``."""

import typer

from groundplan.cli._aliases import ask, find_alias
from groundplan.cli._app import ENV_OPTION, JSON, REASON, command_app
from groundplan.cli._console import print_json, print_line
from groundplan.cli._transfer import Route, Taken, find_route, settle, take
from groundplan.errors import GroundplanError

app = command_app()


@app.command(
    epilog="groundplan promote flights/delay@production 3 --reason 'the holidays need it' · "
    "groundplan promote flights/delay --from dev --to staging --reason 'two days without a complaint'"
)
def promote(
    alias: str = typer.Argument(..., metavar="MODEL@ALIAS", help="Such as flights/delay@production."),
    version: int | None = typer.Argument(
        None, metavar="[VERSION]", min=1, help="The pair version; groundplan history MODEL."
    ),
    reason: str = REASON,
    start: str = typer.Option("", "--from", metavar="ENV", help="Take the pair of this environment's alias …"),
    end: str = typer.Option("", "--to", metavar="ENV", help="… to this one, whose YAML says source: {stack: …}."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Let an alias point to a pair version, and hold it there, whatever its YAML follows, until it is released.

    The alias's gates have their say: a refusal says which gate, the value and the bound, and changes nothing. Where an
    approval is missing, it says how to get one; the alias then moves by itself. Exit code 1: refused.

    With --from and --to: take the very pair that an alias of one environment points to (its own alias, unless one is
    named) into the next environment's registry, by its digest and with its evidence. Nothing is trained; its number is
    the next one there. The aliases there that follow the model move to it, each through its own gates.
    """
    if not (start or end):
        if version is None:
            raise GroundplanError("which version? name one (groundplan history MODEL), or --from ENV --to ENV")
        ask(find_alias(alias, env), "move", {"version": version, "reason": reason}, json)
        return
    if version is not None:
        raise GroundplanError("a number is local to its registry: name an alias, as in flights/delay@latest")
    if not end:
        raise GroundplanError("--from needs --to: the environment that the pair goes to")
    route = find_route(alias, start, end)
    show_taken(route, take(route, reason), json)


def show_taken(route: Route, taken: Taken, json: bool) -> None:
    """Print which pair was taken, under which number, where the aliases there point now, and what answers with it."""
    settled = settle(route, taken.here)
    if json:
        standing = {name: each["status"] for name, each in settled.applications.items()}
        model = f"{route.project}/{route.model}"
        print_json({**vars(taken), "model": model, "aliases": settled.points(), "applications": standing})
        return
    print_line(f"{route.words}: pair {taken.digest}, version {taken.there} there, is version {taken.here} here")
    if taken.message:
        print_line(taken.message)
    for line in settled.lines(taken.here):
        print_line(line)
