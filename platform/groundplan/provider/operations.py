"""Waiting for a long operation of the control plane, with its progress in the engine's display."""

from typing import Any

from groundplan.errors import GroundplanError, ServiceError
from groundplan.provider.handler import Context
from groundplan.provider.rest import ControlPlane, explain

#: Seconds one long poll lasts: how long Ctrl-C may go unheard.
POLL = 2


def follow(plane: ControlPlane, operation: str, ctx: Context) -> dict[str, Any]:
    """Wait for an operation, reporting its messages; return the resource as it is then.

    Raises ServiceError when it failed. Ctrl-C raises a GroundplanError and leaves the operation running.
    """
    seen = 0
    while not ctx.cancelled.is_set():
        answer = plane.ask("GET", f"/v1/operations/{operation}?after={seen}&wait={POLL}")
        if answer is None:
            raise ServiceError(f"operation {operation} is not known any more; fix: groundplan up")
        for message in answer["messages"]:
            ctx.report(message["text"])
            seen = max(seen, message["seq"])
        if answer["status"] == "succeeded":
            return dict(answer["resource"])
        if answer["status"] != "running":
            raise ServiceError(f"{ctx.name}: {answer['status']}: {explain(answer['error'])}")
    raise GroundplanError(f"{ctx.name}: interrupted; the run goes on ({operation}), and the next `up` joins it")
