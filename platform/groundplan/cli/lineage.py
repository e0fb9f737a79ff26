"""``groundplan lineage``."""

from typing import Any

import typer
from rich.console import Console
from rich.tree import Tree

from groundplan.cli._app import ENV_OPTION, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, say
from groundplan.cli._lineage import ask, known_of, point_of
from groundplan.cli._platform import Platform
from groundplan.compose import load
from groundplan.lineage import declared_graph, trace
from groundplan.plan import build_plan

app = command_app()


@app.command(epilog="groundplan lineage weather.temp · groundplan lineage delay --json")
def lineage(
    node: str = typer.Argument(
        ..., metavar="NODE", help="features/VIEW, sources/SOURCE, models/MODEL, VIEW.COLUMN or a node's id."
    ),
    env: str = ENV_OPTION,
    json: bool = JSON,
    declared: bool = typer.Option(False, "--declared", help="From the declaration, even where the platform runs."),
) -> None:
    """What something is made of, and what is made of it: from a raw column to the endpoint, as trees.

    From what really ran, as the platform's lineage has it; where that does not answer, from the declaration.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    known = known_of(build_plan(stack, projects), projects)
    point = point_of(node, known)
    found, why = (None, None) if declared else ask(Platform(checkout, stack), "lineage", point)
    document = found or trace(declared_graph(known), point)
    if json:
        print_json({**document, "from": "platform" if found else "declaration"})
        return
    console = Console(highlight=False, markup=False)
    for title, side in (("is made of", "upstream"), ("is in", "downstream")):
        console.print(_tree(document, title, side))
    if why:
        say(f"from the declaration: {why}")


def _tree(document: dict[str, Any], title: str, side: str) -> Tree:
    reached, node = document[side], document["node"]
    next_to: dict[str, list[str]] = {}
    for source, target in document["edges"]:
        here, there = (target, source) if side == "upstream" else (source, target)
        if there in reached:
            next_to.setdefault(here, []).append(there)
    column = f".{document['column']}" if document["column"] else ""
    tree = Tree(f"{node}{column} {title}{'' if next_to.get(node) else ' nothing'}")
    _grow(tree, node, next_to, reached, set())
    return tree


def _grow(
    branch: Tree, node: str, next_to: dict[str, list[str]], reached: dict[str, list[str] | None], shown: set[str]
) -> None:
    """Add what is next to a node; what stands in the tree already is named again and not followed again."""
    for each in next_to.get(node, ()):
        columns = reached[each]
        named = f": {', '.join(columns)}" if columns else ""
        again = " (above)" if each in shown and next_to.get(each) else ""
        child = branch.add(f"{each}{named}{again}")
        if each not in shown:
            shown.add(each)
            _grow(child, each, next_to, reached, shown)
