"""What an ``up`` changes of what is there, what that touches, and telling the platform that it was made."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from groundplan.cli._console import print_line, print_table, say
from groundplan.cli._lineage import known_of
from groundplan.cli._platform import Platform
from groundplan.cli.impact import TRAINING
from groundplan.errors import GroundplanError
from groundplan.lineage import declared_graph
from groundplan.lineage.impact import teams_of
from groundplan.plan import Plan
from groundplan.spec import LoadedProject


@dataclass(frozen=True)
class Difference:
    """One node that differs from what is there; ``data``: what is made of it changes too."""

    id: str
    action: Literal["create", "update", "delete"]
    data: bool


def differences(platform: Platform, plan: Plan) -> list[Difference] | None:
    """What differs between a plan and what is there, in plan order; None where the platform cannot be asked."""
    try:
        resources = platform.get("/status")["resources"]
    except GroundplanError:
        return None
    there = {f"{r['project']}/{r['kind']}/{r['name']}": r for r in resources}
    found = [_difference(node.id, node.digest, node.data_digest, there.get(node.id)) for node in plan.nodes]
    gone = [Difference(id, "delete", True) for id in there if id not in plan.by_id]
    return [each for each in found if each] + gone


def _difference(id: str, digest: str, data_digest: str, there: dict[str, Any] | None) -> Difference | None:
    if there is None:
        return Difference(id, "create", True)
    if there["digest"] == digest:
        return None
    return Difference(id, "update", there["data_digest"] != data_digest)


def show_touched(found: Sequence[Difference], plan: Plan, projects: Sequence[LoadedProject]) -> None:
    """Print which models, endpoints and teams the differences touch, and whether a training is due."""
    known = known_of(plan, projects)
    graph = declared_graph(known)
    changed = {each.id for each in found if each.data}
    reached = {id for each in changed for id in graph.downstream(each)} | {each.id for each in found}
    touched = [node for node in plan.nodes if node.id in reached]
    rows = [
        ["model", f"{n.project}/{n.name}", _due(n.properties, n.id in changed)] for n in touched if n.kind == "Model"
    ]
    rows += [["endpoint", f"{n.project}/{n.name}", ""] for n in touched if n.kind == "ServingApplication"]
    teams = teams_of(known, [each.id for each in found])
    rows += [["team", team, ", ".join(of["owners"])] for team, of in teams.items()]
    print_line()
    print_table(["touches", "name", "what it means"], rows)


def _due(properties: Any, changed: bool) -> str:
    return TRAINING.get(properties.get("retrain", "on_change"), "") if changed else "no training is due"


def tell_up(platform: Platform, plan: Plan, found: Sequence[Difference] | None, succeeded: bool) -> None:
    """Tell the platform that an `up` was made: of which commit and plan, and what it changed.

    The work is done: a platform that is not there is not waited for, and what it refuses is one line and no failure.
    """
    if differences(platform, plan) is None:
        return
    commit, dirty = _commit(platform.checkout.root)
    changes = [{"id": each.id, "action": each.action} for each in found or ()]
    body = {"plan_digest": plan.digest, "changes": changes, "succeeded": succeeded, "commit": commit, "dirty": dirty}
    try:
        platform.post("/ups", body)
    except GroundplanError as error:
        say(f"warning: this up is not in the lineage: {error}")


def _commit(root: Path) -> tuple[str | None, bool | None]:
    """The commit that is checked out, and whether files differ from it; None where there is no git."""
    head = _git(root, "rev-parse", "HEAD")
    return (head, bool(_git(root, "status", "--porcelain"))) if head else (None, None)


def _git(root: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(root), *words], capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
