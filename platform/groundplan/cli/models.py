"""``groundplan models``."""

from typing import Any
from urllib.parse import urlencode

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line, print_table
from groundplan.cli._platform import open_platform

app = command_app()
#: As many as the catalogue tells at once.
MOST = 500
#: What validation counts besides the metrics of a model: of folds, rows, the baseline.
BESIDE = ("fold_", "folds_", "rows_", "baseline_")
FIND = typer.Argument(None, metavar="[WORD…]", help="Words in name, description, owner, tags or features; all of them.")
METRIC = typer.Option([], "--metric", metavar="BOUND", help="As in 'mae<20'; may be given more than once.")


@app.command(epilog="groundplan models · groundplan models weather --metric 'mae<20' --stage production --sort mae")
def models(
    find: list[str] = FIND,
    owner: str = typer.Option("", "--owner", metavar="NAME", help="Owner or team."),
    feature: str = typer.Option("", "--feature", metavar="NAME", help="A feature it reads, or a whole view."),
    tag: str = typer.Option("", "--tag", metavar="NAME[=VALUE]", help="A tag it has."),
    metric: list[str] = METRIC,
    stage: str = typer.Option("", "--stage", metavar="STAGE", help="A version of it is there, as in production."),
    sort: str = typer.Option(
        "name", "--sort", metavar="KEY", help="name, owner, stage, trained or a metric; -KEY: down."
    ),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """Find models: what they are, whose, in which stage, how good. The catalogue's page shows the same, and more."""
    given = {"q": " ".join(find or []), "owner": owner, "feature": feature, "tag": tag, "stage": stage, "sort": sort}
    query = [(key, value) for key, value in given.items() if value]
    query += [("metric", bound) for bound in metric] + [("limit", str(MOST))]
    answer = open_platform(open_checkout(env)).get(f"/catalogue/models?{urlencode(query)}")
    if json:
        print_json(answer)
        return
    if not answer["models"]:
        print_line("no model is like that")
        return
    measured = sorted({name for each in answer["models"] for name in each["metrics"]})
    shown = [name for name in measured if not name.startswith(BESIDE)][:4]
    columns = ["model", "stage", "version", *shown, "team", "description"]
    print_table(columns, [_row(each, shown) for each in answer["models"]])
    if answer["next"]:
        print_line(f"{MOST} of {answer['count']}")


def _row(model: dict[str, Any], metrics: list[str]) -> list[Any]:
    measured = [model["metrics"].get(name) for name in metrics]
    id = f"{model['project']}/{model['name']}"
    return [id, model["stage"], model["version"], *measured, model["team"], model["description"]]
