"""The ML resources: one handler for every kind, through the control plane."""

from collections.abc import Mapping
from typing import Any

from groundplan.errors import Refused, ServiceError, suggest
from groundplan.provider.diff import Change, Changes, head
from groundplan.provider.handler import Context, Failure
from groundplan.provider.operations import follow
from groundplan.provider.rest import ControlPlane, resource_path
from groundplan.provider.table import COMMON, TYPES, Kind, Prop


class MLHandler:
    """Drives one kind of ML resource. Create and update are the same idempotent PUT; its digest says what is wanted."""

    secret_outputs: frozenset[str] = frozenset()

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.token = kind.token
        self.outputs = frozenset(kind.outputs)

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Hold inputs against the table: unknown, missing, of a wrong type."""
        known = self.kind.inputs
        return inputs, [*_unknown(inputs, known), *_missing(inputs, known), *_mistyped(inputs, known)]

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Make it, or adopt what is already there."""
        return f"{inputs['project']}/{self.kind.slug}/{inputs['name']}", self._put(inputs, ctx)

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Make it match, in place. A running operation for the same digest is joined."""
        return self._put(inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Return what is really there, laid over what was known."""
        project, slug, name = id.split("/", 2)
        answer = ControlPlane(ctx.config).look(resource_path(project, slug, name))
        if answer is None:
            return None
        found = answer["resource"]
        if found.get("message"):
            ctx.warn(f"{found['status']}: {found['message']}")
        known = {key: value for key, value in state.items() if key in self.kind.inputs}
        return self._state({"project": project, "name": name, **known}, found)

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove it; data and versions stay unless purged by hand."""
        project, slug, name = id.split("/", 2)
        plane = ControlPlane(ctx.config)
        answer = plane.ask("DELETE", resource_path(project, slug, name))
        if answer and answer.get("operation"):
            follow(plane, answer["operation"], ctx)

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A status that a plain ``up`` mends. A refusal or a wait for something else is an outcome, and quiet."""
        return frozenset({"status"}) if state.get("status") in self.kind.retry else frozenset()

    def breaking(self, changes: Changes) -> list[str]:
        """Changed or removed types and keys: what uses them has to follow."""
        marked = {key for key, prop in self.kind.inputs.items() if prop.breaking}
        return [path for path, change in changes.items() if head(path) in marked and change is not Change.ADD]

    def _put(self, inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        plane = ControlPlane(ctx.config)
        self.prepare(plane, inputs, ctx)
        body = {
            "digest": inputs["digest"],
            "data_digest": inputs["data_digest"],
            "upstream": inputs["upstream"],
            "properties": {key: value for key, value in inputs.items() if key not in COMMON},
            "reason": None,
        }
        path = resource_path(inputs["project"], self.kind.slug, inputs["name"])
        answer = plane.ask("PUT", path, body)
        if answer is None:
            raise ServiceError(f"the control plane knows no route {path}; fix: groundplan up (it may be an older one)")
        found = follow(plane, answer["operation"], ctx) if answer.get("operation") else answer["resource"]
        self._tell(found, ctx)
        return self._state(inputs, found)

    def prepare(self, plane: ControlPlane, inputs: Mapping[str, Any], ctx: Context) -> None:
        """Do what must precede the PUT. Nothing here; a project uploads its code."""

    def _tell(self, found: Mapping[str, Any], ctx: Context) -> None:
        status, message = found["status"], found.get("message")
        if status == "failed":
            raise ServiceError(f"{self.kind.slug} {found['name']}: {message or 'no reason given'}")
        if status == "refused" and "refused" in self.kind.retry:
            raise Refused(message or "no reason given")
        if message:
            ctx.warn(f"{status}: {message}")

    def _state(self, inputs: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
        """Inputs as they really are, and outputs. What the table does not name is not kept."""
        real = {key: value for key, value in found["properties"].items() if key in self.kind.inputs}
        common = {key: found[key] for key in ("digest", "data_digest", "upstream") if found.get(key) is not None}
        outputs = {key: value for key, value in found.get("outputs", {}).items() if key in self.kind.outputs}
        stated = {"status": found["status"], "message": found.get("message")}
        return {**inputs, **real, **common, **outputs, **{k: v for k, v in stated.items() if v is not None}}


def _unknown(inputs: Mapping[str, Any], known: Mapping[str, Prop]) -> list[Failure]:
    wrong = [key for key in inputs if key not in known]
    return [Failure(key, f"unknown property; {suggest(key, known) or 'allowed: ' + ', '.join(known)}") for key in wrong]


def _missing(inputs: Mapping[str, Any], known: Mapping[str, Prop]) -> list[Failure]:
    absent = [key for key, prop in known.items() if not prop.optional and inputs.get(key) is None]
    return [Failure(key, f"missing: {known[key].about}") for key in absent]


def _mistyped(inputs: Mapping[str, Any], known: Mapping[str, Prop]) -> list[Failure]:
    given = {key: value for key, value in inputs.items() if key in known and value is not None}
    wrong = [key for key, value in given.items() if not _fits(value, known[key].type)]
    return [Failure(key, f"got {inputs[key]!r}; allowed: {known[key].type}") for key in wrong]


def _fits(value: Any, type: str) -> bool:
    if isinstance(value, bool):
        return type in ("flag", "any")
    return isinstance(value, TYPES[type][0])
