"""``groundplan history``."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line, print_table
from groundplan.cli._models import find_model
from groundplan.cli._platform import open_platform
from groundplan.compose import load
from groundplan.errors import GroundplanError

app = command_app()
#: Why an alias moved, where nobody gave a reason.
CAUSES = {
    "follow": "follows latest",
    "version": "the declaration names it",
    "promote": "promoted by hand",
    "rollback": "rolled back",
    "same_pair": "the same pair under a new number",
    "delete": "the alias was removed",
}


@app.command(
    epilog="groundplan history flights/delay · groundplan history delay --alias production --at '2026-11-17 14:05'"
)
def history(
    model: str = typer.Argument(..., metavar="MODEL", help="A declared model: MODEL or PROJECT/MODEL."),
    alias: str = typer.Option("", "--alias", metavar="ALIAS", help="Only this alias."),
    at: str = typer.Option("", "--at", metavar="TIME", help="What it was then; without a zone, your local time."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Every move of a model's aliases: when, from, to, by whom, why, and what its gates measured.

    With --at, the answer to "what was production at 14:05 last Tuesday".
    """
    checkout = open_checkout(env)
    _, projects = load(checkout.root, env)
    project, name = find_model(projects, model)
    instant = parse_instant(at) if at else None
    query = {"alias": alias} if alias else {}
    query |= {"at": instant.isoformat()} if instant else {}
    answer = open_platform(checkout).get(f"/registry/models/{project}/{name}/history?{urlencode(query)}")
    if json:
        print_json(answer)
    elif instant is None:
        _show_moves(f"{project}/{name}", answer["moves"])
    else:
        _show_then(f"{project}/{name}", answer["was"], _told(instant, at))


def parse_instant(text: str) -> datetime:
    """Return a time as people write it, with its zone: the local one where it names none. GroundplanError for none."""
    try:
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError) as error:
        raise GroundplanError(
            f"--at {text}: is no time; allowed: as in '2026-11-17 14:05' or 2026-11-17T13:05:00Z"
        ) from error


def _told(instant: datetime, given: str) -> str:
    local = datetime.fromisoformat(given.strip()).tzinfo is None
    return f"{instant:%Y-%m-%d %H:%M:%S%z}{f' (local time, {instant:%Z})' if local else ''}"


def _show_moves(model: str, moves: list[dict[str, Any]]) -> None:
    columns = ["at", "alias", "from", "to", "by", "why", "gates"]
    rows = [
        [_local(m["at"]), m["alias"], m["from_version"], m["to_version"], m["actor"], _why(m), _evidence(m)]
        for m in moves
    ]
    if not rows:
        print_line(f"{model}: no alias has moved yet")
        return
    print_table(columns, rows)


def _show_then(model: str, was: dict[str, Any], then: str) -> None:
    if not was:
        print_line(f"{model}: no alias had moved by {then}")
    for alias, found in was.items():
        if found is None:
            print_line(f"{model}@{alias} pointed to nothing at {then}")
            continue
        print_line(f"{model}@{alias} was pair version {found['version']} at {then}")
        print_line(f"  since {_local(found['since'])}, by {found['actor']}: {_why(found)}")
        if _evidence(found):
            print_line(f"  gates: {_evidence(found)}")


def _local(instant: str) -> str:
    return f"{datetime.fromisoformat(instant).astimezone():%Y-%m-%d %H:%M:%S%z}"


def _why(move: dict[str, Any]) -> str:
    return str(move["reason"] or CAUSES.get(move["cause"] or "", ""))


def _evidence(move: dict[str, Any]) -> str:
    evidence = move["evidence"]
    gates = evidence.get("gates", []) if isinstance(evidence, dict) else evidence or []  # older ones were a list
    return "; ".join(gate["reason"] for gate in gates)
