"""``groundplan predict``."""

import json as jsonlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json
from groundplan.cli._platform import open_platform
from groundplan.cli._predictions import Application, find_application, metrics_of, show_predictions
from groundplan.compose import load
from groundplan.errors import GroundplanError

app = command_app()


@app.command(
    epilog="groundplan predict · groundplan predict flights/delay --entity origin=JFK,carrier=AA"
    " · groundplan predict --file batch.json --json"
)
def predict(
    application: str = typer.Argument("", metavar="[PROJECT/APP]", help="Needed where more than one is declared."),
    entity: list[str] = typer.Option(
        [], "--entity", metavar="KEY=VALUE,…", help="What to predict for; may be repeated."
    ),
    file: str = typer.Option("", "--file", metavar="PATH|-", help="A JSON list of entities."),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Ask a served model, and show how good it is: its error beside that of the naive forecast.

    Without entities it asks for those that the declaration gives as `example`.
    """
    checkout = open_checkout(env)
    _, projects = load(checkout.root, env)
    asked = find_application(projects, application)
    entities = _entities(asked, entity, file)
    platform = open_platform(checkout)
    answer = platform.predict(asked.id, entities)
    metrics = metrics_of(platform, asked, answer["model_version"])
    if json:
        print_json(answer | {"metrics": metrics})
    else:
        show_predictions(asked, answer, metrics)


def _entities(asked: Application, given: list[str], file: str) -> list[dict[str, Any]]:
    if given and file:
        raise GroundplanError("--entity and --file both say what to predict for; fix: give one of them")
    if file:
        return _read(file)
    if given:
        return [parse_entity(text, asked.types) for text in given]
    if not asked.example:
        keys = ",".join(f"{key}=…" for key in asked.types)
        raise GroundplanError(f"{asked.id} declares no example; fix: groundplan predict {asked.id} --entity {keys}")
    return asked.example


def _read(file: str) -> list[dict[str, Any]]:
    try:
        content = jsonlib.loads(sys.stdin.read() if file == "-" else Path(file).read_text())
    except OSError as error:
        raise GroundplanError(f"{file}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise GroundplanError(f"{file}: not JSON: {error}") from error
    entities = content.get("entities") if isinstance(content, dict) else content
    if not isinstance(entities, list):
        raise GroundplanError(f'{file}: a list of entities is expected, such as [{{"origin": "JFK", "carrier": "AA"}}]')
    return entities


def parse_entity(text: str, types: dict[str, str]) -> dict[str, Any]:
    """``origin=JFK,carrier=AA`` as an entity, each value of the type that its key is declared with."""
    entity = {}
    for pair in text.split(","):
        key, equals, value = pair.partition("=")
        if not equals:
            raise GroundplanError(
                f"--entity {text}: {pair!r} is not KEY=VALUE; fix: {','.join(f'{k}=…' for k in types)}"
            )
        entity[key.strip()] = _typed(key.strip(), value.strip(), types)
    return entity


def _typed(key: str, value: str, types: dict[str, str]) -> Any:
    kind = types.get(key, "string")
    try:
        return PARSERS.get(kind, str)(value)
    except ValueError:
        raise GroundplanError(f"--entity {key}={value}: {value!r} is no {kind}") from None


def _boolean(value: str) -> bool:
    if value.lower() not in ("true", "false"):
        raise ValueError(value)
    return value.lower() == "true"


PARSERS: dict[str, Callable[[str], Any]] = {"int64": int, "float64": float, "bool": _boolean}
