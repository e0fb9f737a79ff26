"""``groundplan plan``."""

from difflib import get_close_matches

import typer

from groundplan.cli._app import ENV, JSON, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_json, print_line, print_table
from groundplan.compose import load
from groundplan.errors import GroundplanError
from groundplan.plan import Node, Plan, build_plan

app = command_app()


@app.command(
    epilog="groundplan plan · groundplan plan --node flights/feature_view/origin_weather · groundplan plan --json"
)
def plan(
    env: str = ENV,
    json: bool = JSON,
    node: str = typer.Option("", "--node", metavar="ID", help="Explain one node: what feeds it, what it reaches."),
) -> None:
    """What is declared, as nodes and edges in the order they are made. Needs no platform and touches nothing."""
    made = read_plan(env)
    if node:
        _explain(made, node, json)
    elif json:
        print_json(made.to_dict())
    else:
        # Its column is there where something is: most projects hold no personal data.
        marks = [["personal data" if n.properties.get("personal") else ""] for n in made.nodes if made.personal]
        marks = marks or [[] for _ in made.nodes]
        rows = [[n.id, n.digest, *mark, ", ".join(_short(n))] for n, mark in zip(made.nodes, marks, strict=True)]
        print_table(["node", "digest", *(["personal"] if made.personal else []), "fed by"], rows)
        print_line(f"{len(made.nodes)} nodes; plan {made.digest}")


def read_plan(env: str) -> Plan:
    """The plan of an environment of the checkout around the current folder."""
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    return build_plan(stack, projects)


def _explain(made: Plan, id: str, json: bool) -> None:
    if id not in made.by_id:
        near = get_close_matches(id, made.by_id, n=3) or list(made.by_id)
        raise GroundplanError(f"no node {id!r} in the plan; there is: {', '.join(near)}")
    node = made.node(id)
    reached = made.downstream(node.id)
    if json:
        print_json(node.to_dict() | {"downstream": list(reached)})
        return
    print_line(f"{node.id} ({node.kind}), digest {node.digest}")
    for title, ids in (("fed by", node.feeds), ("after", node.after), ("reaches", reached)):
        print_line(f"{title}: {', '.join(ids) or 'nothing'}")
    print_line("properties:")
    print_json(dict(node.properties))


def _short(node: Node) -> list[str]:
    """What feeds a node, without the project where it is the node's own."""
    return [id.removeprefix(f"{node.project}/") for id in node.feeds]
