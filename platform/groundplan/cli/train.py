"""``groundplan train``."""

from typing import Any

import typer

from groundplan.cli._app import ENV_OPTION, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._models import find_model
from groundplan.cli._operations import follow_or_leave
from groundplan.cli._platform import open_platform
from groundplan.compose import load

app = command_app()


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
    resource = follow_or_leave(platform, operation, f"join it: groundplan train {project}/{name} --wait")
    _report(f"{project}/{name}", resource["outputs"])


def _report(model: str, outputs: dict[str, Any]) -> None:
    metrics = outputs.get("metrics") or {}
    said = "".join(f", {name} {value:.4g}" for name, value in sorted(metrics.items()) if isinstance(value, float | int))
    print_line(f"trained {model}: pair version {outputs.get('version')}{said}")
