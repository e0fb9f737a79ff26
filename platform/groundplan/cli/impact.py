"""``groundplan impact``."""

from typing import Any

import typer

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line, print_table, say
from groundplan.cli._lineage import ask, known_of, point_of
from groundplan.cli._platform import Platform
from groundplan.compose import load
from groundplan.lineage import impact_of_declared
from groundplan.plan import build_plan

app = command_app()
#: What a training that is due means, in words.
TRAINING = {"on_change": "`up` trains it", "manual": "a training is due: groundplan train"}


@app.command(
    epilog="groundplan impact features/origin_weather · groundplan impact weather.temp · "
    "groundplan impact flights/feature_view/origin_weather --json"
)
def impact(
    node: str = typer.Argument(
        ...,
        metavar="NODE",
        help="features/VIEW, sources/SOURCE, entities/ENTITY, VIEW.COLUMN, SOURCE.COLUMN or a node's id.",
    ),
    env: str = ENV_OPTION,
    json: bool = JSON,
) -> None:
    """What a change of a feature view, column, data source or entity touches: models, endpoints, teams, trainings.

    From the declaration and, where the platform runs, from what serves now. Column by column through SQL; what Python
    makes of a table is taken to depend on all of it.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    known = known_of(build_plan(stack, projects), projects)
    point = point_of(node, known)
    declared = impact_of_declared(point, known).document()
    served, why = ask(Platform(checkout, stack), "impact", point)
    document = _together(declared, served)
    if json:
        print_json({**document, "platform": why or "answered"})
        return
    _show(document)
    if why:
        say(f"from the declaration alone: {why}")


def _together(declared: dict[str, Any], served: dict[str, Any] | None) -> dict[str, Any]:
    """What is declared, and after it what only the platform has: a model that nobody declares any more serves on."""
    if served is None:
        return {**declared, "only_served": [], "now": {}}
    touched = {name: list(ids) for name, ids in declared["touched"].items()}
    only = []
    for name, ids in served["touched"].items():
        more = [id for id in ids if id not in touched[name] and name != "pairs"]
        touched[name] += more if name != "pairs" else ids
        only += more
    teams = {**declared["teams"], **{team: of for team, of in served["teams"].items() if team not in declared["teams"]}}
    return {
        **declared,
        "touched": touched,
        "training": {**served["training"], **declared["training"]},
        "teams": teams,
        "others": sorted({*declared["others"], *served["others"]}),
        "only_served": only,
        "now": served["now"],
        "personal": {**served.get("personal", {}), **declared["personal"]},
    }


def _show(document: dict[str, Any]) -> None:
    column = f".{document['column']}" if document["column"] else ""
    marks = document["personal"].get(document["node"])
    personal = f" (personal data: {', '.join(marks)})" if marks else ""
    print_line(f"a change of {document['node']}{column}{personal} touches")
    rows = [
        [name.replace("_", " "), id, _now(document["now"].get(id, {})), _then(document, id)]
        for name, ids in document["touched"].items()
        if name != "pairs"
        for id in ids
    ]
    rows += [["others", id, "", "not this platform's own"] for id in document["others"]]
    rows += [
        ["teams", team, "", f"{', '.join(of['owners'])}; projects: {', '.join(of['projects'])}"]
        for team, of in document["teams"].items()
    ]
    print_table(["touches", "name", "now", "what it means"], rows)
    if not any(document["touched"].values()):
        print_line("nothing else: no feature, model or endpoint is made of it")


def _now(standing: dict[str, Any]) -> str:
    version = next((standing[key] for key in ("serves", "points_to", "version") if standing.get(key)), None)
    told = [f"pair version {version}" if version else "", str(standing.get("endpoint") or "")]
    return " at ".join(filter(None, told))


def _then(document: dict[str, Any], id: str) -> str:
    if id in document["only_served"]:
        return "served, and not declared any more"
    told = [TRAINING.get(document["training"].get(id, ""), ""), "personal data" if id in document["personal"] else ""]
    return "; ".join(filter(None, told))
