"""The local target's resources, typed. Rules: docs/contracts.md and ``groundplan.local``."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

Text = pulumi.Input[str]
Texts = pulumi.Input[Sequence[pulumi.Input[str]]]


class DataFolder(pulumi.CustomResource):
    """The folder a stack owns, and in it a copy of the code that its services run (``code``: its digest)."""

    def __init__(
        self,
        resource_name: str,
        *,
        folder: Text,
        stack_id: Text,
        stack: Text,
        root: Text,
        code: Text = "",
        sources: Texts = (),
        keep: pulumi.Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"folder": folder, "stack_id": stack_id, "stack": stack, "root": root}
        more = {"code": code, "sources": sources, "keep": keep}
        super().__init__("groundplan:local:DataFolder", resource_name, {**inputs, **more}, opts)


class Secret(pulumi.CustomResource):
    """A generated secret in a 0600 file, adopted when it is already there."""

    value: pulumi.Output[str]
    path: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        folder: Text,
        stack_id: Text,
        name: Text,
        keep: pulumi.Input[bool] = True,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"folder": folder, "stack_id": stack_id, "name": name, "keep": keep}
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["value"])
        options = pulumi.ResourceOptions.merge(opts, hidden)
        super().__init__("groundplan:local:Secret", resource_name, {**inputs, **_outputs("value", "path")}, options)


class RuntimeConfig(pulumi.CustomResource):
    """The document by which processes find each other, and the files derived from secrets."""

    path: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        folder: Text,
        stack_id: Text,
        stack: Text,
        bucket: Text,
        endpoints: pulumi.Input[Mapping[str, Any]],
        applications: pulumi.Input[Mapping[str, Any]],
        registry: pulumi.Input[Mapping[str, Any]] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs: dict[str, Any] = {"folder": folder, "stack_id": stack_id, "stack": stack, "bucket": bucket}
        inputs |= {"endpoints": endpoints, "applications": applications}
        inputs |= {"registry": registry} if registry else {}
        super().__init__("groundplan:local:RuntimeConfig", resource_name, {**inputs, **_outputs("path")}, opts)


class Service(pulumi.CustomResource):
    """One supervised process with a health check."""

    running: pulumi.Output[bool]
    log: pulumi.Output[str]

    def __init__(
        self,
        resource_name: str,
        *,
        folder: Text,
        stack_id: Text,
        name: Text,
        command: Texts,
        health: pulumi.Input[Mapping[str, Any]],
        environment: pulumi.Input[Mapping[str, Text]] | None = None,
        ports: pulumi.Input[Mapping[str, pulumi.Input[int]]] | None = None,
        setup: pulumi.Input[Sequence[Texts]] = (),
        scratch: Texts = (),
        stop_seconds: pulumi.Input[int] = 10,
        stop_signal: Text = "TERM",
        code: Text = "",
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        inputs = {"folder": folder, "stack_id": stack_id, "name": name, "command": command, "health": health}
        more = {"environment": environment or {}, "ports": ports or {}, "setup": setup, "scratch": scratch}
        stop = {"stop_seconds": stop_seconds, "stop_signal": stop_signal, "code": code}
        outputs = _outputs("running", "log")
        super().__init__("groundplan:local:Service", resource_name, {**inputs, **more, **stop, **outputs}, opts)


def _outputs(*names: str) -> dict[str, None]:
    """Outputs are named without a value: the engine fills them in."""
    return dict.fromkeys(names)
