"""Who may move a pair version on: the roles of the life cycle's table, held against who asks."""

from fastapi import Request

from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.lifecycle import ACTIONS, may


def roles_in(request: Request, project: str) -> frozenset[str] | None:
    """Return the roles of who asks in a project; None for the deployer's own token, which may do everything."""
    identity = getattr(request.state, "identity", None)
    if identity is None:
        return None
    given = (role.rpartition(":") for role in identity.roles)
    return frozenset(role for where, _, role in given if where in (project, "*"))


def permit(request: Request, action: str, project: str) -> None:
    """Raise ApiProblem 403 when who asks may not do a thing to the versions of a project's models."""
    roles = roles_in(request, project)
    if roles is not None and not may(roles, action):
        allowed = " or ".join(ACTIONS[action].roles)
        held = ", ".join(sorted(roles)) or "no role"
        raise ApiProblem(403, f"may not {action} in {project}", path=project, value=held, allowed=allowed)
