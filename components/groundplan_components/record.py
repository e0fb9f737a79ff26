"""What the program would register, written down without an engine, a cluster or a network."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks, rpc

from groundplan.provider.local_table import LOCAL
from groundplan.provider.table import KINDS, Prop

#: What the engine's protocol writes for a value that is only known when something has been made.
LATER = rpc.UNKNOWN
#: How it marks a secret (sdk/go/common/resource: SigKey and SecretSig).
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
_OUTPUTS: Mapping[str, Mapping[str, Prop]] = {
    **{kind.token: kind.outputs for kind in KINDS.values()},
    **{local.token: local.outputs for local in LOCAL},
}


@dataclass(frozen=True)
class Registered:
    """One resource of the program: ``properties`` as registered; ``secret``: whether any of them is one."""

    type: str
    name: str
    properties: dict[str, Any]
    secret: bool


def record(
    program: Callable[[], Any], project: str, stack: str, stack_id: str, *, made: bool = False
) -> list[Registered]:
    """Run a program and return what it registers, in its order. What the program raises is raised.

    As in a preview before anything exists: what our plugin makes is not known, and stands as :data:`LATER`. With
    ``made`` some text stands for it, so that what is built from it can be seen.
    """
    monitor = _Monitor(made)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        mocks.set_mocks(_Made(made), project=project, stack=stack, preview=not made, monitor=monitor)
        pulumi.runtime.set_config("groundplan:stack-id", stack_id)
        pulumi.runtime.test(program)()  # type: ignore[no-untyped-call]
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return monitor.found


class _Made(mocks.Mocks):
    """Every resource is there, with its inputs."""

    def __init__(self, made: bool) -> None:
        self._made = made

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        outputs = _OUTPUTS.get(args.typ, {}) if self._made else {}
        texts = {key: "made" for key, prop in outputs.items() if prop.type == "text"}
        return f"{args.name}-id", {**texts, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {}, None


class _Monitor(mocks.MockMonitor):
    """Keeps every registration as the engine would get it."""

    def __init__(self, made: bool) -> None:
        super().__init__(_Made(made))
        self.found: list[Registered] = []

    def RegisterResource(self, request: Any) -> Any:
        given = MessageToDict(request.object)
        self.found.append(Registered(request.type, request.name, _plain(given), _SECRET in str(given)))
        return super().RegisterResource(request)  # type: ignore[no-untyped-call]


def _plain(value: Any) -> Any:
    """Return properties without the marks of secrets around them, whole numbers whole: the protocol has no others."""
    if isinstance(value, dict):
        if value.get(_SIGNATURE) == _SECRET:
            return _plain(value.get("value"))
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
