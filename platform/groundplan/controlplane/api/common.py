"""What every route needs: the platform, who asks, and the token."""

import hmac
import re
import uuid
from typing import Annotated

from fastapi import Depends, Header, Request

from groundplan.controlplane import store
from groundplan.controlplane.context import Platform
from groundplan.controlplane.identity import Identity, deployer, from_header
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, Resource

CORRELATION = "X-Correlation-Id"
ACTOR = "X-Groundplan-Actor"
#: What the gateway adds: that a request came through it, and whose token it bore.
GATEWAY, IDENTITY = "X-Groundplan-Gateway", "X-Groundplan-Identity"
NAME = re.compile(r"[\w.@+-]{1,100}", re.ASCII)
SAFE = re.compile(r"[\w.:-]{1,128}")


def platform_of(request: Request) -> Platform:
    """Return the platform of this application."""
    platform: Platform = request.app.state.platform
    return platform


def authorized(request: Request, authorization: Annotated[str | None, Header()] = None) -> None:
    """Let pass what bears the control plane's token, and what came through the gateway. ApiProblem 401 else."""
    runtime = platform_of(request).runtime
    if GATEWAY in request.headers:
        request.state.identity = _through_gateway(request, runtime.secret("gateway-token"))
        return
    scheme, _, given = (authorization or "").partition(" ")
    if scheme.lower() != "bearer" or not _same(given, runtime.secret("controlplane-token")):
        raise ApiProblem(401, "a bearer token is needed, and this is not it", path="Authorization")
    request.state.identity = deployer(_said_actor(request))


def _through_gateway(request: Request, proof: str) -> Identity:
    if not _same(request.headers[GATEWAY], proof):
        raise ApiProblem(401, "did not come through the gateway", path=GATEWAY)
    try:
        return from_header(request.headers.get(IDENTITY, ""))
    except ValueError as error:
        raise ApiProblem(401, f"names nobody: {error}", path=IDENTITY) from None


def _same(given: str, token: str) -> bool:
    # An empty token file, half-written or damaged, must not open the door to an empty header.
    return bool(token) and hmac.compare_digest(given.encode(), token.encode())


def correlation_id(request: Request) -> str:
    """Return the request's correlation id: the caller's when it is sane, else a new one."""
    given = request.headers.get(CORRELATION, "")
    return given if SAFE.fullmatch(given) else uuid.uuid4().hex


def identity_of(request: Request) -> Identity:
    """Return who asks, and what they may: by their token, or the deployer, who may all. After :func:`authorized`."""
    identity: Identity = request.state.identity
    return identity


def actor_of(request: Request) -> Actor:
    """Return who asks, as events keep it: the token's `sub`; over loopback, who the deployer's header says."""
    return Actor(identity_of(request).sub, correlation_id=request.state.correlation_id)


def _said_actor(request: Request) -> str:
    """Whoever has the control plane's token may say any name: a name, not a proof. ApiProblem 422 for what is none."""
    given = request.headers.get(ACTOR, "deployer")
    if not NAME.fullmatch(given):
        raise ApiProblem(422, "is no name", path=ACTOR, value=given[:80], allowed="letters, digits and . @ + - _")
    return given


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
IdentityDep = Annotated[Identity, Depends(identity_of)]
