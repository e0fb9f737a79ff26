"""``groundplan schema``."""

from pathlib import Path

import typer

from groundplan.cli._app import command_app
from groundplan.cli._checkout import find_root
from groundplan.cli._console import print_line
from groundplan.errors import GroundplanError
from groundplan.schema import documents, is_stale, write

app = command_app()


@app.command(epilog="groundplan schema --write · groundplan schema --check · groundplan schema project.json")
def schema(
    name: str = typer.Argument("", metavar="[NAME]", help="Print this schema: project.json or stack.json."),
    writing: bool = typer.Option(False, "--write", help="Write them to schemas/."),
    checking: bool = typer.Option(False, "--check", help="Exit 1 when schemas/ differs from what the spec says."),
) -> None:
    """The JSON Schemas of what people write, which editors use to complete and to check."""
    known = documents()
    if name:
        if name not in known:
            raise GroundplanError(f"no schema {name!r}; there is: {', '.join(known)}")
        print_line(known[name].rstrip("\n"))
    elif writing:
        for path in write(find_root(Path.cwd())):
            print_line(str(path))
    elif checking and is_stale(find_root(Path.cwd())):
        raise GroundplanError("schemas/ differs from the spec; fix: groundplan schema --write")
    else:
        print_line("schemas/ says what the spec says" if checking else "\n".join(known))
