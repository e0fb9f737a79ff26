"""The policy pack of a checkout, ready for the engine: which packs run, and what their rules depend on."""

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from groundplan.cli._checkout import Checkout
from groundplan.errors import GroundplanError
from groundplan.spec import StackSpec

PACK = "policies"
#: The option of the commands that run it.
OPTION = typer.Option(
    None,
    "--policies/--no-policies",
    help="Let the rules of policies/ judge it first (docs/policies.md). Without it: yes, for everything but local.",
    show_default=False,
)
#: The runtime's name of the copy. Engines without Pulumi's own Python host for packs start whatever program of the
#: PATH is named after a pack's runtime, and every engine knows that way.
RUNTIME = "groundplan"
_ANALYZER = """\
#!/bin/sh
# Starts the policy pack in the environment of the deployer; the engine gives its address and the pack's folder.
exec "${PULUMI_PYTHON_CMD:-python3}" -u -m pulumi.policy "$1" "$2"
"""


@dataclass(frozen=True)
class Pack:
    """A pack to run: arguments for ``pulumi up`` and ``preview``, and the folder that must be on the PATH."""

    arguments: tuple[str, ...]
    programs: Path

    def path(self, path: str) -> str:
        """Return a PATH with the pack's starter on it."""
        return os.pathsep.join((str(self.programs), path))


def pack_of(checkout: Checkout, stack: StackSpec, asked: bool | None) -> Pack | None:
    """Return the pack where one is to run: where it was asked for, and unasked wherever others share the place."""
    wanted = stack.target != "local" if asked is None else asked
    if not wanted:
        return None
    return prepare(checkout, stack, () if stack.target == "local" else _images(checkout, stack))


def _images(checkout: Checkout, stack: StackSpec) -> tuple[str, ...]:
    # The components are heavy: only a stack with a cluster needs them.
    from groundplan_components.kubernetes.images import images  # noqa: PLC0415

    return tuple(sorted(images(stack.cluster.images, checkout.root).values()))


def prepare(checkout: Checkout, stack: StackSpec, images: tuple[str, ...] = ()) -> Pack:
    """Copy the checkout's pack to where the engine can start it, with what the stack declares as its settings."""
    described = checkout.root / PACK / "PulumiPolicy.yaml"
    if not described.exists():
        what = f"missing, and a stack on target {stack.target} is judged by it"
        raise GroundplanError(f"{described}: {what}; fix: restore it from git, or --no-policies")
    folder = checkout.own / PACK
    _copy(checkout.root / PACK, folder / "pack")
    programs = folder / "bin"
    programs.mkdir(exist_ok=True)
    starter = programs / f"pulumi-analyzer-policy-{RUNTIME}"
    starter.write_text(_ANALYZER)
    starter.chmod(0o755)
    settings = folder / f"{checkout.env}.json"
    settings.write_text(json.dumps(configuration(stack, images), indent=1, sort_keys=True) + "\n")
    return Pack(("--policy-pack", str(folder / "pack"), "--policy-pack-config", str(settings)), programs)


def configuration(stack: StackSpec, images: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """Return the pack's settings: rule → what it depends on; all of them only warn where admission does."""
    platform = f"{stack.cluster.namespace_prefix}{stack.cluster.namespace}"
    registries = sorted({stack.cluster.images.registry, *stack.admission.registries})
    names = {"registries": registries, "images": list(images)}
    found: dict[str, Any] = {
        "foreign-registry": names,
        "unpinned-image": {"images": list(images)},
        "own-door": {"platform": platform},
    }
    return found | ({"all": "advisory"} if stack.admission.mode == "warn" else {})


def _copy(source: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    described = target / "PulumiPolicy.yaml"
    lines = described.read_text().partition("runtime:")[0]
    described.write_text(f"{lines}runtime: {RUNTIME}\n")
