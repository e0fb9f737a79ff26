"""A stack deployed onto a recorder: every registration as the engine would get it. No engine, no plugin, no cluster."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pulumi
from google.protobuf.json_format import MessageToDict
from pulumi.runtime import mocks

from groundplan.compose import load
from groundplan.controlplane.adapters.kube_jobs import Mould, manifest
from groundplan.controlplane.adapters.templates import Home
from groundplan.plan import build_plan
from groundplan.spec import StackSpec
from groundplan_components.deploy import deploy
from groundplan_components.kubernetes.made import HOMES_FILE, RAY_FILE, RUN_FILE, TEMPLATES

ROOT = Path(__file__).resolve().parents[2]
STACK_ID = "0b5e9f0e-kind"
#: What our own resources make.
SECRET = "s3cret-of-a-test"
MADE = {"value": SECRET, "kubeconfig": SECRET, "chain": "chain", "key": SECRET, "ca": "ca", "ca_key": SECRET}
#: How the engine marks a secret among the properties.
MARK, SIGN = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"


class Echo(mocks.Mocks):
    """Every resource is there, with its inputs as outputs."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", {**MADE, **args.inputs}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        return {}, None


class Recorder(mocks.MockMonitor):
    """Keeps every registration."""

    def __init__(self) -> None:
        super().__init__(Echo())
        self.requests: list[Any] = []

    def RegisterResource(self, request: Any) -> Any:
        self.requests.append(request)
        return super().RegisterResource(request)


class Recorded:
    """The stack ``kind`` of the repository, or that with other values, deployed onto a recorder.

    ``served``: properties that every serving application has instead of its own.
    """

    def __init__(self, changes: Mapping[str, Any] | None = None, **served: Any) -> None:
        stack, projects = load(ROOT, "kind")
        self.stack = StackSpec.model_validate({**stack.model_dump(exclude_unset=True), **(changes or {})})
        self.plan = build_plan(self.stack, projects)
        for node in self.plan.nodes:
            if node.kind == "ServingApplication":
                dict.update(node.properties, served)  # type: ignore[arg-type]
        self.recorder = Recorder()
        self.outputs: dict[str, Any] = {}
        asyncio.set_event_loop(asyncio.new_event_loop())
        mocks.set_mocks(Echo(), project="groundplan", stack="kind", monitor=self.recorder)
        pulumi.runtime.set_config("groundplan:stack-id", STACK_ID)
        pulumi.runtime.test(self._run)()

    def _run(self) -> None:
        self.outputs = deploy(self.stack, self.plan, ROOT)

    def requests(self, prefix: str) -> dict[str, Any]:
        """Registrations whose type begins so: title → request."""
        return {each.name: each for each in self.recorder.requests if each.type.startswith(prefix)}

    def identities(self) -> list[tuple[str, str, str]]:
        """Type, name and parent of everything but the stack itself: what may never change by itself."""
        found = ((each.type, each.name, each.parent) for each in self.recorder.requests)
        return sorted(each for each in found if each[0] != "pulumi:pulumi:Stack")

    def above(self, request: Any) -> list[str]:
        """What a registration is part of, from the nearest on: last word of the type, and name."""
        known = {self.recorder.make_urn(r.parent, r.type, r.name): r for r in self.recorder.requests}
        found = []
        while (request := known.get(request.parent)) is not None:
            found.append(f"{request.type.rsplit(':', 1)[-1]} {request.name}")
        return found

    def objects(self) -> dict[str, dict[str, Any]]:
        """Every Kubernetes object: title → manifest, as it was registered."""
        return {name: MessageToDict(each.object) for name, each in self.requests("kubernetes:").items()}

    def pods(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Every pod template: title of what holds it, namespace, template."""
        for title, thing in self.objects().items():
            namespace = thing["metadata"].get("namespace", "")
            yield from ((title, namespace, template) for template in templates(thing))
            if thing["kind"] == "ConfigMap" and thing["metadata"]["name"] == TEMPLATES:
                yield from ((title, *each) for each in made(namespace, thing["data"]))


def templates(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The pod templates in one object."""
    spec = manifest.get("spec", {})
    if manifest["kind"] == "CronJob":
        return [spec["jobTemplate"]["spec"]["template"]]
    return [spec["template"]] if manifest["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job") else []


def made(namespace: str, data: Mapping[str, str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Namespace and pod template of what the control plane makes: a run of each project; the cluster that serves."""
    mould = Mould(json.loads(data[RUN_FILE]))
    for project, home in json.loads(data[HOMES_FILE]).items():
        job = manifest("run-x", mould, Home(**home), {"project": project}, 0)
        yield home["namespace"], job["spec"]["template"]
    ray = json.loads(data[RAY_FILE])
    for group in (ray["headGroupSpec"], *ray["workerGroupSpecs"]):
        yield namespace, group["template"]
