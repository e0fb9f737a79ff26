"""What every route needs: the platform, who asks, and the token."""

import hmac
import re
import uuid
from typing import Annotated

from fastapi import Depends, Header, Request

from groundplan.controlplane import store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource

CORRELATION = "X-Correlation-Id"
ACTOR = "X-Groundplan-Actor"
NAME = re.compile(r"[\w.@+-]{1,100}", re.ASCII)
SAFE = re.compile(r"[\w.:-]{1,128}")


def platform_of(request: Request) -> Platform:
    """Return the platform of this application."""
    platform: Platform = request.app.state.platform
    return platform


def authorized(request: Request, authorization: Annotated[str | None, Header()] = None) -> None:
    """Let pass only what bears the control plane's token. ApiProblem 401 else."""
    token = platform_of(request).runtime.secret("controlplane-token")
    scheme, _, given = (authorization or "").partition(" ")
    # An empty token file, half-written or damaged, must not open the door to an empty header.
    if not token or scheme.lower() != "bearer" or not hmac.compare_digest(given.encode(), token.encode()):
        raise ApiProblem(401, "a bearer token is needed, and this is not it", path="Authorization")


def correlation_id(request: Request) -> str:
    """Return the request's correlation id: the caller's when it is sane, else a new one."""
    given = request.headers.get(CORRELATION, "")
    return given if SAFE.fullmatch(given) else uuid.uuid4().hex


def actor_of(request: Request) -> Actor:
    """Return who asks: who the header says, the deployer when it says nothing. ApiProblem 422 for what is no name.

    Whoever has the token may say any name here: until there are identities, it is a name, not a proof.
    """
    given = request.headers.get(ACTOR, "deployer")
    if not NAME.fullmatch(given):
        raise ApiProblem(422, "is no name", path=ACTOR, value=given[:80], allowed="letters, digits and . @ + - _")
    return Actor(given, correlation_id=request.state.correlation_id)


def find_declared(platform: Platform, project: str, kind: str, name: str) -> Resource:
    """Return a declared resource. ApiProblem 404, with those that there are, when it is not there."""
    with platform.engine.connect() as connection:
        found = store.get(connection, project, kind, name)
        others = [r.name for r in store.every(connection, project, kind)]
    if found is None:
        raise ApiProblem(404, f"no such {kind}", path=project, value=name, allowed=", ".join(others) or "none yet")
    return found


PlatformDep = Annotated[Platform, Depends(platform_of)]
ActorDep = Annotated[Actor, Depends(actor_of)]
