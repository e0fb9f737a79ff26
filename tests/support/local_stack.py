"""The local components' own declarations, driven through the handlers without the engine."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pulumi

from groundplan.identity.declaration import Subject
from groundplan.local import code
from groundplan.local.data_folder import DataFolderHandler
from groundplan.local.folder import Folder
from groundplan.local.processes import of_folder
from groundplan.local.runtime_config import RuntimeConfigHandler
from groundplan.local.secret import SecretHandler
from groundplan.local.service import ServiceHandler
from groundplan.provider.handler import Context, Failure, Handler
from groundplan.spec.stack import PORT_OFFSETS
from groundplan_components import local
from groundplan_components.local.ray import RaySize

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("platform/groundplan", "serving/groundplan_runtime", "serving/groundplan_serving")
SOURCES = tuple(str(ROOT / package) for package in PACKAGES)
STACK_ID = "0f0e0d0c-0000-4000-8000-000000000001"
HANDLERS: dict[str, Handler] = {
    handler.token: handler
    for handler in (DataFolderHandler(), SecretHandler(), RuntimeConfigHandler(), ServiceHandler())
}
#: The developers' environment holds the runtime's programs too.
PYTHON = sys.executable


class Collector(pulumi.runtime.Mocks):
    """Takes down what the program declares."""

    def __init__(self) -> None:
        self.found: list[tuple[str, dict[str, Any]]] = []

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ in HANDLERS:
            self.found.append((args.typ, {key: value for key, value in args.inputs.items() if value is not None}))
        return args.name, {**args.inputs, "running": True, "value": "x", "path": "x", "log": "x"}

    def call(self, args: pulumi.runtime.MockCallArgs) -> dict[str, Any]:
        return {}


def make_site(folder: Path, port_base: int, stack_id: str = STACK_ID, **changes: Any) -> local.Site:
    """A stack in ``folder`` at ports from ``port_base``, running this checkout's code."""
    values = {
        "stack": "test", "stack_id": stack_id, "root": str(folder.parent), "folder": str(folder), "python": PYTHON,
        "ports": {name: port_base + offset for name, offset in PORT_OFFSETS.items()},
        "code": code.digest([Path(source) for source in SOURCES]), "sources": SOURCES,
    }  # fmt: skip
    return local.Site(**{**values, **changes})


def declare(
    site: local.Site, parts: Sequence[str], subjects: Sequence[Subject] = ()
) -> list[tuple[str, dict[str, Any]]]:
    """What the components register: (type, inputs), in their order. ``parts``: names of component classes."""
    collector = Collector()
    pulumi.runtime.set_mocks(collector)
    sizes = {"Ray": (RaySize(2, 2048, 100, site.ports["database"]),), "Identity": (subjects,)}

    @pulumi.runtime.test
    def program() -> None:
        local.Storage("storage", site)
        for part in parts:
            getattr(local, part)(part.lower(), site, *sizes.get(part, ()))

    program()
    order = list(HANDLERS)
    return sorted(collector.found, key=lambda each: (order.index(each[0]), _rank(each[1])))


#: Registrations arrive in any order; the engine would follow the dependencies.
SERVICES = ("database", "identity", "objects", "online-store", "feast", "mlflow", "ray", "controlplane")


def _rank(inputs: dict[str, Any]) -> int:
    return SERVICES.index(inputs["name"]) if inputs.get("name") in SERVICES else 0


@dataclass
class LocalStack:
    """Resources of one stack as the engine would hold them: inputs, id and state, by type and name."""

    site: local.Site
    parts: Sequence[str]
    #: Whom the issuer is told of, where it is one of the parts.
    subjects: Sequence[Subject] = ()
    said: list[str] = field(default_factory=list)
    states: dict[tuple[str, str], tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.declared = {
            (token, _name(inputs)): inputs for token, inputs in declare(self.site, self.parts, self.subjects)
        }

    @property
    def folder(self) -> Folder:
        """The stack's data folder."""
        return Folder(Path(self.site.folder).resolve(), self.site.stack_id)

    def context(self) -> Context:
        """A call of the engine that notes what it is told."""
        return Context("urn", "name", False, self.said.append, self.said.append, {})

    def check(self) -> list[Failure]:
        """Check everything as a preview does; keep the inputs with their defaults."""
        failures = []
        for key, inputs in self.declared.items():
            self.declared[key], found = HANDLERS[key[0]].check(inputs, self.context())
            failures += found
        return failures

    def up(self) -> None:
        """Create what is new, update what is unsettled or declared differently."""
        failures = self.check()
        assert failures == [], failures
        for key, inputs in self.declared.items():
            handler = HANDLERS[key[0]]
            if key not in self.states:
                self.states[key] = handler.create(inputs, self.context())
            elif self.differs(key):
                id, state = self.states[key]
                self.states[key] = (id, handler.update(id, state, inputs, self.context()))

    def refresh(self) -> set[str]:
        """Read everything; return the names of what a plain ``up`` would now mend or make."""
        for key, (id, state) in list(self.states.items()):
            found = HANDLERS[key[0]].read(id, state, self.context())
            if found is None:
                del self.states[key]
            else:
                self.states[key] = (id, found)
        return {key[1] for key in self.declared if key not in self.states or self.differs(key)}

    def differs(self, key: tuple[str, str]) -> bool:
        """Whether the state of one resource is not what is declared."""
        handler, (_, state) = HANDLERS[key[0]], self.states[key]
        settled = {name: value for name, value in state.items() if name not in handler.outputs}
        return settled != self.declared[key] or bool(handler.unsettled(state))  # type: ignore[attr-defined]

    def down(self) -> None:
        """Delete everything, the last first."""
        for key, (id, state) in reversed(list(self.states.items())):
            HANDLERS[key[0]].delete(id, state, self.context())
            del self.states[key]

    def processes(self) -> list[psutil.Process]:
        """All that runs for this stack."""
        return of_folder(self.folder.root)


def _name(inputs: dict[str, Any]) -> str:
    return str(inputs.get("name", "folder" if "sources" in inputs else "runtime"))
