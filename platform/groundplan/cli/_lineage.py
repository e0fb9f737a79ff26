"""Lineage of what is declared, and of what is there: the plan's graph, and the control plane's."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from groundplan.cli._platform import Platform
from groundplan.errors import GroundplanError, ServiceError
from groundplan.lineage import Declared, Known, Point, find_point
from groundplan.plan import Plan
from groundplan.spec import LoadedProject


def known_of(plan: Plan, projects: Sequence[LoadedProject]) -> Known:
    """What a plan declares, with the text of its SQL."""
    declared = (Declared(node.project, node.slug, node.name, node.properties) for node in plan.nodes)
    return Known(declared, _reader({project.spec.name: project for project in projects}))


def _reader(projects: dict[str, LoadedProject]) -> Callable[[str, str], str | None]:
    def text(project: str, path: str) -> str | None:
        return _read(projects[project].file(path))

    return text


def _read(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def point_of(text: str, known: Known) -> Point:
    """The node or column of that name among what is declared."""
    return find_point(text, {id: known.fields(id) for id in known.by_id})


def ask(platform: Platform, route: str, point: Point) -> tuple[dict[str, Any] | None, str | None]:
    """The control plane's answer about a point, or why there is none: it is down, or does not have it yet."""
    try:
        return platform.get(f"/{route}?{urlencode({'node': str(point)})}"), None
    except ServiceError as error:
        return None, f"the platform does not answer: {error}"
    except GroundplanError:
        return None, f"{point} is not deployed yet"
