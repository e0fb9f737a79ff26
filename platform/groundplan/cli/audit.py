"""``groundplan audit``."""

from typing import Any
from urllib.parse import urlencode

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line, print_table, say
from groundplan.cli._platform import Platform, open_platform
from groundplan.cli.history import parse_instant
from groundplan.errors import GroundplanError

app = command_app()
ACTOR = typer.Option("", "--actor", metavar="NAME", help="Only what this person or program did.")
PROJECT = typer.Option("", "--project", metavar="PROJECT", help="Only of this project.")
KIND = typer.Option("", "--kind", metavar="KIND", help="Only of this kind: model, alias, pair, feature_view, …")
NAME = typer.Option("", "--name", metavar="NAME", help="Only of this name: delay, delay@production.")
SINCE = typer.Option("", "--since", metavar="TIME", help="Only from then on; without a zone, your local time.")
UNTIL = typer.Option("", "--until", metavar="TIME", help="Only before then.")
#: Events of one request, of those that are asked for one after the other.
PAGE = 1000


@app.callback(
    epilog="groundplan audit list --actor ana · groundplan audit verify · groundplan audit export > trail.jsonl"
)
def audit() -> None:
    """Who did what, when, why: the trail of every change, and the proof that it is whole."""


@app.command("list", epilog="groundplan audit list --project flights --kind alias --since '2026-11-17 14:05'")
def list_(
    actor: str = ACTOR,
    project: str = PROJECT,
    kind: str = KIND,
    name: str = NAME,
    since: str = SINCE,
    until: str = UNTIL,
    lines: int = typer.Option(50, "-n", "--lines", min=1, max=PAGE, help="How many of the newest."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """The newest events, oldest first: who did what to what, why, under which correlation id."""
    query = _query(actor, project, kind, name, since, until) | {"newest": "true", "limit": str(lines)}
    found = _platform(env).get(f"/audit/events?{urlencode(query)}")["events"]
    if json:
        print_json(found)
        return
    columns = ["event", "at", "who", "did", "to", "why", "correlation id"]
    print_table(columns, [_row(event) for event in found])


def _row(event: dict[str, Any]) -> list[Any]:
    about = f"{event['project']}/{event['kind']}/{event['name']}"
    at = event["at"][:19].replace("T", " ")
    return [event["seq"], at, event["actor"], event["action"], about, event["reason"], event["correlation_id"]]


@app.command(epilog="groundplan audit export --since 2026-11-01 > trail.jsonl · groundplan audit export | jq .actor")
def export(
    actor: str = ACTOR,
    project: str = PROJECT,
    kind: str = KIND,
    name: str = NAME,
    since: str = SINCE,
    until: str = UNTIL,
    format: str = typer.Option("jsonl", "--format", metavar="FORMAT", help="jsonl: one event a line, with its hash."),
    env: str = ENV_OPTION,
) -> None:
    """Every event to standard output, oldest first: before and after in full, and the hashes that prove it."""
    if format != "jsonl":
        raise GroundplanError(f"--format: {format!r}; allowed: jsonl")
    for line in _platform(env).lines(f"/audit/export?{urlencode(_query(actor, project, kind, name, since, until))}"):
        print_line(line)


@app.command(epilog="groundplan audit verify · groundplan audit verify --json")
def verify(env: str = ENV_OPTION, json: bool = JSON) -> None:
    """Look at every event and every checkpoint. Exit code 1, with the first broken event, where one is not whole."""
    report = _platform(env).get("/audit/verify", patience=3600)
    if json:
        print_json(report)
    fault = report["fault"]
    if fault is not None:
        raise GroundplanError(f"the audit trail is broken at event {fault['seq']}: {fault['fault']}; {fault['what']}")
    if not json:
        print_line(f"{report['events']} events are whole; the newest is {report['seq']}, {report['hash']}")
        print_line(f"{report['checkpoints']} checkpoints agree, up to event {report['checked_to']}")
    if report["events"] and not report["checkpoints"]:
        say("no checkpoint yet: who may write to the database could still write the whole trail anew")


@app.command(epilog="groundplan audit rebuild --check")
def rebuild(
    check: bool = typer.Option(False, "--check", help="Compare with the registry; changes nothing."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Rebuild the registry from its events alone and compare, row by row. Exit code 1 where they differ."""
    if not check:
        raise GroundplanError("only --check is done on a running platform; docs/audit.md tells how to restore one")
    found = _platform(env).get("/audit/rebuild", patience=3600)
    if json:
        print_json(found)
    elif not found["differing"]:
        rows = ", ".join(f"{count} {table.replace('_', ' ')}" for table, count in found["rows"].items())
        print_line(f"the events tell the whole registry: {rows}")
    if found["differing"]:
        first = "\n".join(found["differences"])
        raise GroundplanError(f"{found['differing']} differences between the registry and its events:\n{first}")


def _query(actor: str, project: str, kind: str, name: str, since: str, until: str) -> dict[str, str]:
    given = {"actor": actor, "project": project, "kind": kind, "name": name}
    given |= {key: parse_instant(text).isoformat() for key, text in (("since", since), ("until", until)) if text}
    return {key: value for key, value in given.items() if value}


def _platform(env: str) -> Platform:
    return open_platform(open_checkout(env))
