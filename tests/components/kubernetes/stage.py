"""A stack with two teams, and what its components register: no engine, no cluster."""

from collections.abc import Callable
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks
from tests.support.recorded import Echo

from groundplan.plan import Node, Plan
from groundplan.spec import StackSpec
from groundplan.targets.flows import Land
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.tenancy import TenancyArgs

STACK: dict[str, Any] = {
    "name": "kind",
    "target": "kind",
    "projects": ("churn", "flights", "notes"),
    "teams": {
        "core": {
            "projects": ("churn", "flights"),
            "quota": {"cpus": 4.0, "memory": "16Gi", "gpus": 2, "pods": 20},
            "limits": {"cpus": 2.0, "memory": "8192Mi"},
            "reaches": ({"to": "10.7.0.0/16", "ports": (5432,), "why": "the warehouse"},),
        },
        "text_mining": {"projects": ("notes",)},
    },
    "identity": {"users": {"ana": {"name": "Ana", "email": "ana@example.org", "groups": ("core", "ops", "look")}}},
    "access": (
        {"group": "core", "role": "ml_engineer", "projects": ("churn", "flights")},
        {"group": "look", "role": "viewer", "projects": ("flights",)},
        {"group": "ops", "role": "platform_admin", "projects": "all"},
    ),
    "admission": {"registries": ("registry.example.org/ml",)},
}


def node(project: str, kind: str, name: str = "x") -> Node:
    """A node of a plan of which only project and kind matter."""
    return Node(f"{project}/{kind}/{name}", kind, project, name, {}, "0" * 16, "0" * 16, (), (), {})


PLAN = Plan(
    "kind",
    "kind",
    (
        node("churn", "Model"),
        node("flights", "Materialization"),
        node("flights", "Model"),
        node("flights", "ServingApplication"),
        node("notes", "Entity"),
    ),
)
PLACE = Place("groundplan", "kind", "0b5e9f0e")


def stack(**changes: Any) -> StackSpec:
    """The stack, with some fields changed."""
    return StackSpec.model_validate(STACK | changes)


def arguments(**changes: Any) -> TenancyArgs:
    """What the component gets."""
    return TenancyArgs.of(stack(**changes), PLAN, PLACE, Land())


class Recorder(mocks.MockMonitor):
    """Keeps every registration: title → (type, parent's URN, properties)."""

    def __init__(self) -> None:
        super().__init__(Echo())
        self.types: dict[str, str] = {}
        self.objects: dict[str, dict[str, Any]] = {}

    def RegisterResource(self, request: Any) -> Any:
        self.types[request.name] = request.type
        self.objects[request.name] = json_format.MessageToDict(request.object)
        return super().RegisterResource(request)


def registered(program: Callable[[], Any]) -> Recorder:
    """Run a program against a recorder."""
    recorder = Recorder()
    mocks.set_mocks(Echo(), project="groundplan", stack="kind", monitor=recorder)
    pulumi.runtime.test(program)()
    return recorder
