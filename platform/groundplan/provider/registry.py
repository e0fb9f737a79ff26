"""Every handler that the plugin drives."""

from groundplan.provider.handler import Handler
from groundplan.provider.ml import MLHandler
from groundplan.provider.project import ProjectHandler
from groundplan.provider.table import KINDS


def handlers() -> tuple[Handler, ...]:
    """Return one handler a resource type."""
    return tuple(ProjectHandler(kind) if kind.name == "Project" else MLHandler(kind) for kind in KINDS.values())
