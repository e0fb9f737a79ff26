"""What a change of one node touches: models, endpoints, teams, and the trainings that are due."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from groundplan.lineage.declared import Known, declared_graph
from groundplan.lineage.graph import Reached
from groundplan.lineage.nodes import Point

#: Kind's slug → the list of the answer that its nodes stand in.
LISTS = {
    "feature_view": "feature_views",
    "feature_service": "feature_services",
    "materialization": "materializations",
    "model": "models",
    "pair": "pairs",
    "alias": "aliases",
    "serving_application": "applications",
}
#: Ids of our own nodes; what is not ours is ``<namespace>:<name>``.
_OWN = re.compile(r"[a-z0-9_]+/([a-z_]+)/[^/:]+")


@dataclass(frozen=True)
class Impact:
    """What a change of ``node`` (or of its ``column``) touches.

    ``touched``: list (models, applications, …) → ids, nearest first. ``training``: model → ``on_change`` (`up` trains
    it) or ``manual`` (a person has to). ``teams``: team → its owner and projects. ``others``: what reads it and is not
    the platform's own. ``personal``: the node itself and what is touched, where it holds personal data → by which
    declarations.
    """

    node: str
    column: str | None
    touched: Mapping[str, tuple[str, ...]]
    training: Mapping[str, str]
    teams: Mapping[str, Mapping[str, Any]]
    others: tuple[str, ...] = ()
    personal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return asdict(self)


def impact_of(point: Point, reached: Reached, known: Known) -> Impact:
    """Return the impact of a change of a point, given what is downstream of it."""
    lists: dict[str, list[str]] = {name: [] for name in LISTS.values()}
    others: list[str] = []
    for id in reached:
        ours = _OWN.fullmatch(id)
        (lists[LISTS[ours[1]]] if ours and ours[1] in LISTS else others).append(id)
    own = [id for ids in lists.values() for id in ids]
    touched = {name: tuple(ids) for name, ids in lists.items()}
    training = {id: _retrain(known, id) for id in (*_itself(point), *touched["models"])}
    about = (point.node, *own)
    personal = {id: tuple(marks) for id in about if (marks := _personal(known, id))}
    return Impact(point.node, point.column, touched, training, teams_of(known, about), tuple(others), personal)


def _personal(known: Known, id: str) -> list[str]:
    found = known.by_id.get(id)
    return list(found.properties.get("personal") or ()) if found else []


def _itself(point: Point) -> tuple[str, ...]:
    return (point.node,) if "/model/" in point.node and point.column is None else ()


def _retrain(known: Known, id: str) -> str:
    found = known.by_id.get(id)
    return str(found.properties.get("retrain", "on_change")) if found else "on_change"


def teams_of(known: Known, ids: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return the teams of what is touched: their owners and projects."""
    found: dict[str, dict[str, Any]] = {}
    for name in dict.fromkeys(id.split("/")[0] for id in ids):
        project = known.find(name, "project", name)
        if project is None:
            continue
        team = found.setdefault(str(project.properties["team"]), {"owners": [], "projects": []})
        team["projects"].append(name)
        if project.properties["owner"] not in team["owners"]:
            team["owners"].append(project.properties["owner"])
    return found


def impact_of_declared(point: Point, known: Known) -> Impact:
    """Return the impact of a change of a point on what is declared."""
    return impact_of(point, declared_graph(known).downstream(point.node, point.column), known)
