"""``groundplan train``."""

from typing import Any
from urllib.parse import quote

import typer

from groundplan.cli._app import ENV_OPTION, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._engine import INTERRUPTED
from groundplan.cli._models import find_model
from groundplan.cli._platform import Platform, open_platform
from groundplan.compose import load
from groundplan.errors import ServiceError
from groundplan.provider.rest import explain

app = command_app()
#: Seconds that one long poll may last.
POLL_SECONDS = 10


@app.command(epilog="groundplan train delay --wait · groundplan train flights/delay")
def train(
    model: str = typer.Argument(..., metavar="MODEL", help="A declared model: MODEL or PROJECT/MODEL."),
    wait: bool = typer.Option(False, "--wait", help="Show its progress and wait for its end."),
    env: str = ENV_OPTION,
) -> None:
    """Train a model again, as it was last deployed. A training that runs already is joined.

    Ctrl-C stops waiting, not the training.
    """
    checkout = open_checkout(env)
    _, projects = load(checkout.root, env)
    project, name = find_model(projects, model)
    platform = open_platform(checkout)
    operation = str(platform.post(f"/projects/{project}/models/{name}:train")["operation"])
    if not wait:
        print_line(f"training {project}/{name}: {operation}")
        say(f"wait for it: groundplan train {project}/{name} --wait")
        return
    try:
        resource = _follow(platform, operation)
    except KeyboardInterrupt:
        say(f"interrupted: the training goes on; join it: groundplan train {project}/{name} --wait")
        raise typer.Exit(INTERRUPTED) from None
    _report(f"{project}/{name}", resource["outputs"])


def _follow(platform: Platform, operation: str) -> dict[str, Any]:
    seen = 0
    while True:
        answer = platform.get(f"/operations/{quote(operation, safe=':@')}?after={seen}&wait={POLL_SECONDS}")
        for message in answer["messages"]:
            say(message["text"])
            seen = max(seen, message["seq"])
        if answer["status"] == "succeeded":
            return dict(answer["resource"])
        if answer["status"] != "running":
            raise ServiceError(f"{operation} {answer['status']}: {explain(answer['error'])}")


def _report(model: str, outputs: dict[str, Any]) -> None:
    metrics = outputs.get("metrics") or {}
    said = "".join(f", {name} {value:.4g}" for name, value in sorted(metrics.items()) if isinstance(value, float | int))
    print_line(f"trained {model}: pair version {outputs.get('version')}{said}")
