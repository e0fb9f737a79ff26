"""The life of resources under the real engine: apply, no change, drift, heal, no change, destroy, nothing left.

A :class:`Lab` is a Pulumi project of its own in a folder of its own, with its own state, that uses this checkout's
plugin. Its program declares whatever the test wrote into ``resources.json``.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from groundplan.tools import engine_home, ensure_pulumi

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """\
import json, pathlib
import pulumi

class Config(pulumi.ProviderResource):
    pass

declared = json.loads(pathlib.Path("resources.json").read_text())
provider = Config(declared["package"], declared["package"], declared["config"])
made = {}
for each in declared["resources"]:
    options = pulumi.ResourceOptions(provider=provider, depends_on=[made[name] for name in each["after"]])
    outputs = dict.fromkeys(each["outputs"])
    made[each["name"]] = pulumi.CustomResource(each["type"], each["name"], {**each["properties"], **outputs}, options)
    for output in each["outputs"]:
        pulumi.export(f"{each['name']}.{output}", getattr(made[each["name"]], output, None))
"""
QUIET = {"same", "read", "refresh"}
#: The folder of the engine: that of the checkout's tool chain, got now where nothing has brought it yet.
engine = cache(ensure_pulumi)


@dataclass(frozen=True)
class Declared:
    """One resource of the lab's program."""

    type: str
    name: str
    properties: Mapping[str, Any]
    after: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What one run of the engine did: exit code, everything it said, resource → (operation, changed paths)."""

    code: int
    text: str
    steps: dict[str, tuple[str, tuple[str, ...]]]

    @property
    def changes(self) -> dict[str, str]:
        """Resource → operation, without those that stay as they are."""
        return {name: op for name, (op, _) in self.steps.items() if op not in QUIET}

    def paths(self, name: str) -> tuple[str, ...]:
        """The property paths of a resource that changed."""
        return self.steps[name][1]


@dataclass
class Lab:
    """A throw-away Pulumi project with one stack, and one provider whose plugin lies in ``plugin``."""

    folder: Path
    config: dict[str, str]
    resources: list[Declared] = field(default_factory=list)
    package: str = "groundplan"
    plugin: Path = ROOT / "platform/plugin"

    def __post_init__(self) -> None:
        """Write the project."""
        (self.folder / "state").mkdir(parents=True)
        (self.folder / "__main__.py").write_text(PROGRAM)
        (self.folder / "Pulumi.yaml").write_text(
            "name: lab\nruntime: python\noptions: {refresh: always}\n"
            f"plugins:\n  providers:\n    - {{name: {self.package}, path: {self.plugin}}}\n"
        )
        self._pulumi("stack", "init", "lab", check=True)

    def declare(self, *resources: Declared) -> None:
        """Say what the program declares from now on."""
        self.resources = list(resources)
        rows = [{**each.__dict__, "properties": dict(each.properties)} for each in resources]
        document = {"package": self.package, "config": self.config, "resources": rows}
        (self.folder / "resources.json").write_text(json.dumps(document))

    def up(self, *flags: str, ok: bool = True) -> Result:
        """``pulumi up``."""
        return self._run("up", "--yes", "--skip-preview", *flags, ok=ok)

    def preview(self, *flags: str, ok: bool = True) -> Result:
        """``pulumi preview``."""
        return self._run("preview", *flags, ok=ok)

    def destroy(self, ok: bool = True) -> Result:
        """``pulumi destroy``."""
        return self._run("destroy", "--yes", "--skip-preview", ok=ok)

    def quiet(self) -> None:
        """Fail unless ``preview --expect-no-changes``, which looks first, and ``up`` find nothing to do."""
        self.preview("--expect-no-changes")
        assert self.up("--expect-no-changes").changes == {}

    def outputs(self) -> dict[str, Any]:
        """The program's outputs, secrets shown."""
        return dict(json.loads(self._pulumi("stack", "output", "--json", "--show-secrets", check=True).stdout))

    def state(self) -> list[dict[str, Any]]:
        """The resources in the state, the stack and providers left out; secrets stay encrypted."""
        document = json.loads(self._pulumi("stack", "export", check=True).stdout)
        found = document["deployment"].get("resources", [])
        return [each for each in found if not each["type"].startswith("pulumi:")]

    def edit_state(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Let ``change`` have its way with the exported deployment, and import it."""
        document = json.loads(self._pulumi("stack", "export", check=True).stdout)
        change(document["deployment"])
        file = self.folder / "edited.json"
        file.write_text(json.dumps(document))
        self._pulumi("stack", "import", "--file", str(file), check=True)

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the engine and do not wait: for tests that interrupt it."""
        command = ["pulumi", *arguments, "--stack", "lab", "--non-interactive"]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self._environment(),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _run(self, *arguments: str, ok: bool) -> Result:
        log = self.folder / "events.json"
        log.unlink(missing_ok=True)
        done = self._pulumi(*arguments, "--diff", "--event-log", str(log))
        text = done.stdout + done.stderr
        assert done.returncode == 0 or not ok, f"pulumi {' '.join(arguments)} exited {done.returncode}\n{text}"
        return Result(done.returncode, text, _steps(log))

    def _pulumi(self, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[str]:
        named = arguments if arguments[:2] == ("stack", "init") else (*arguments, "--stack", "lab")
        command = ["pulumi", *named, "--non-interactive"]
        # The state is written once, at the end, not after every step: nobody interrupts these.
        environment = {**self._environment(), "PULUMI_SKIP_CHECKPOINTS": "true"}
        return subprocess.run(command, cwd=self.folder, env=environment, text=True, capture_output=True, check=check)

    def _environment(self) -> dict[str, str]:
        found = [str(Path(sys.executable).parent), str(engine()), os.environ.get("PATH", "")]
        return {
            **os.environ,
            "PATH": os.pathsep.join(found),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": "a-passphrase",
            "PULUMI_HOME": str(engine_home()),
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            # Offers --event-log: what was done, for machines.
            "PULUMI_DEBUG_COMMANDS": "1",
        }


def _steps(log: Path) -> dict[str, tuple[str, tuple[str, ...]]]:
    steps: dict[str, tuple[str, tuple[str, ...]]] = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        event = json.loads(line)
        found = event.get("resourcePreEvent") or {}
        metadata = found.get("metadata")
        if metadata and not metadata["type"].startswith("pulumi:"):
            paths = tuple(sorted(metadata.get("detailedDiff") or {}))
            name = metadata["urn"].rsplit("::", 1)[-1]
            # A name is one within a type only: what stays as it is does not hide a change of another type's.
            if metadata["op"] not in QUIET or steps.get(name, ("same",))[0] in QUIET:
                steps[name] = (metadata["op"], paths)
    return steps


def live(
    lab: Lab, declared: list[Declared], drift: Callable[[], None], *, drifted: Mapping[str, tuple[str, ...]]
) -> None:
    """Take resources through their whole life.

    ``drift`` changes something behind the engine's back; ``drifted`` is what a preview then must show and an ``up``
    heal: resource → paths (an empty tuple: it is made again).
    """
    lab.declare(*declared)
    assert lab.up().changes == {each.name: "create" for each in declared}
    lab.quiet()
    drift()
    seen = lab.preview()
    assert {name: seen.paths(name) for name in seen.changes} == dict(drifted), seen.text
    lab.up()
    lab.quiet()
    lab.destroy()
    assert lab.state() == []
