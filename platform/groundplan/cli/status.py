"""``groundplan status``."""

from typing import Any

import typer

from groundplan.cli._app import ENV, JSON, command_app
from groundplan.cli._checkout import Checkout, open_checkout
from groundplan.cli._console import print_json, print_line, print_table, say
from groundplan.cli._gateway import chosen
from groundplan.cli._platform import Platform, open_platform
from groundplan.cli._services import services
from groundplan.cli._settings import stack_id
from groundplan.errors import ServiceError

app = command_app()
ENDPOINTS = ("gateway", "identity", "controlplane", "mlflow", "feast", "ray", "objects", "serve", "database",
             "online_store")  # fmt: skip
#: Section → its columns; all but the services are the control plane's answer.
SECTIONS = {
    "services": ["name", "state", "pid", "log"],
    "models": ["project", "name", "version", "status", "mae", "baseline_mae", "message"],
    "aliases": ["project", "name", "points_to", "hold", "status", "message"],
    "applications": ["project", "name", "serves", "status", "message"],
}


@app.command(epilog="groundplan status · groundplan status local --json   (exit code 1: something is down)")
def status(env: str = ENV, json: bool = JSON) -> None:
    """Every service, model, alias, application and endpoint, as they are now."""
    checkout = open_checkout(env)
    platform = open_platform(checkout)
    document, problem = _look(checkout, platform)
    if json:
        print_json(document)
    else:
        _show(document)
    if problem:
        say(f"error: {problem}")
    if problem or not all(service["up"] for service in document["services"]):
        raise typer.Exit(1)


def _look(checkout: Checkout, platform: Platform) -> tuple[dict[str, Any], str | None]:
    """What is to be seen, and why the control plane could not be asked (None when it could)."""
    gateway = chosen()
    document: dict[str, Any] = {
        "stack": checkout.env,
        "services": services(platform.data, stack_id(checkout) or "") if platform.local and not gateway else [],
        "endpoints": {"gateway": gateway.url} if gateway else _endpoints(platform),
    }
    try:
        document = platform.get("/status") | document
        document["services"] = platform.services() or document["services"]
    except ServiceError as error:
        return {section: [] for section in SECTIONS} | document, str(error)
    for application in document["applications"]:
        id = f"{application['project']}/{application['name']}"
        document["endpoints"][f"predict {id}"] = platform.application(id)
    return document, None


def _endpoints(platform: Platform) -> dict[str, str]:
    return {name: _shown(name, url) for name, url in platform.addresses(*ENDPOINTS).items()}


def _shown(name: str, url: str) -> str:
    return url.removeprefix("http://") if name in ("database", "online_store") else url


def _show(document: dict[str, Any]) -> None:
    for section, columns in SECTIONS.items():
        if document[section]:
            rows = [[_cell(row, column) for column in columns] for row in document[section]]
            print_table(columns, rows, section)
            print_line()
    print_table(["endpoint", "address"], [list(pair) for pair in document["endpoints"].items()], "endpoints")


def _cell(row: dict[str, Any], column: str) -> Any:
    return row[column] if column in row else (row.get("metrics") or {}).get(column)
