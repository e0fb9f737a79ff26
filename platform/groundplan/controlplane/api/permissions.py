"""Who may move a pair version on: the role of the life cycle's table, held against who asks."""

from collections.abc import Callable

from fastapi import Request

from groundplan.controlplane.api.common import identity_of
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.lifecycle import ACTIONS


def may_in(request: Request, project: str) -> Callable[[str], bool]:
    """Return what tells whether who asks has the rights of a role in a project; the deployer's token has them all."""
    identity = identity_of(request)
    return lambda role: identity.may(role, project)


def permit(request: Request, action: str, project: str) -> None:
    """Raise ApiProblem 403 when who asks may not do a thing to the versions of a project's models."""
    role = ACTIONS[action].role
    if not may_in(request, project)(role):
        raise ApiProblem(403, f"may not {action} versions of {project}", path=project, allowed=f"the role {role}")
