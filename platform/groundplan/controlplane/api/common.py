"""What every route needs: the platform, who asks, and the token."""

import hmac
import re
import uuid
from typing import Annotated

from fastapi import Depends, Header, Request

from groundplan.controlplane.context import Platform
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor

CORRELATION = "X-Correlation-Id"
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
    """Return who asks. With one token there is one: the deployer."""
    return Actor("deployer", correlation_id=request.state.correlation_id)


PlatformDep = Annotated[Platform, Depends(platform_of)]
ActorDep = Annotated[Actor, Depends(actor_of)]
