"""Declared models, as people name them: ``<project>/<model>``, or ``<model>`` where that is enough."""

from collections.abc import Sequence

from groundplan.errors import GroundplanError
from groundplan.spec import LoadedProject


def find_model(projects: Sequence[LoadedProject], wanted: str) -> tuple[str, str]:
    """Project and model of that name; one line with those that exist when there is none, or more than one."""
    known = [(project.spec.name, model) for project in projects for model in sorted(project.spec.training)]
    found = [pair for pair in known if wanted in ("/".join(pair), pair[1])]
    if len(found) == 1:
        return found[0]
    what = f"no model {wanted!r}" if not found else f"more than one model {wanted!r}"
    raise GroundplanError(f"{what}; there is: {', '.join('/'.join(pair) for pair in known) or 'none'}")
