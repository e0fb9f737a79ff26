"""``groundplan render``."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import typer
import yaml

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import PROJECT, Checkout, open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._settings import ensure_settings, stack_id
from groundplan.compose import load
from groundplan.errors import GroundplanError, Refused
from groundplan.plan import Plan, build_plan
from groundplan.spec import StackSpec
from groundplan.targets.kustomize import INDEX, MARK, Rendered, head, index, later, rendered, title, without_annotations

app = command_app()
PREFIX = "kubernetes:"
#: It says where the rendered objects lie: it is not one of them.
APPLICATION = "argoproj.io/v1alpha1"


@app.command(
    epilog="groundplan render kind · groundplan render kind --out deploy/kind · groundplan render kind --check"
)
def render(
    env: str = ENV,
    out: str = typer.Option("", "--out", metavar="FOLDER", help="Default: gitops.path, else rendered/<ENV>."),
    check: bool = typer.Option(False, "--check", help="Write nothing; exit code 1 when the folder differs."),
) -> None:
    """Write the Kubernetes side of a stack as YAML for Kustomize, one object a file: for Argo CD, for review.

    The objects are those that `up` applies. Secrets are not written: docs/tenancy.md. Needs no cluster.
    """
    checkout = open_checkout(env)
    stack, projects = load(checkout.root, env)
    if stack.target == "local":
        allowed = "kind, kubernetes, aws"
        raise GroundplanError(f"stacks/{env}.yaml: target: local has no Kubernetes side to render; allowed: {allowed}")
    result = objects_of(checkout, stack, build_plan(stack, projects))
    folder = checkout.root / (out or (stack.gitops.path if stack.gitops else f"rendered/{env}"))
    texts = documents(result, env)
    if check:
        _compare(folder, texts, env)
        return
    _write(folder, texts)
    if result.left_out:
        fix = "`up` makes them; for Secrets, gitops.secret_store does, too"
        say(f"not written, as they are secret, or not known before an `up`: {', '.join(result.left_out)}; {fix}")
    print_line(f"{len(result.files)} objects in {folder}")


def objects_of(checkout: Checkout, stack: StackSpec, plan: Plan) -> Rendered:
    """What the program registers as Kubernetes objects. Refused when one holds a secret, or what is not known yet."""
    # Pulumi and the components are heavy: only this command needs them.
    from groundplan_components.deploy import deploy  # noqa: PLC0415
    from groundplan_components.record import record  # noqa: PLC0415

    ensure_settings(checkout)
    store = stack.gitops.secret_store if stack.gitops else None

    def registered(made: bool) -> list[Any]:
        found = record(
            lambda: deploy(stack, plan, checkout.root), PROJECT, stack.name, str(stack_id(checkout)), made=made
        )
        return [each for each in found if each.type.startswith(PREFIX)]

    objects = [each for each in registered(made=False) if each.properties.get("apiVersion") != APPLICATION]
    plain = [each for each in objects if each.properties["kind"] != "Secret"]
    unknown = [each for each in plain if _is_made(each.properties)]
    kept = [_open(each.properties, each.secret) for each in plain if each not in unknown]
    # The values of a Secret are not known, and with them its keys; an ExternalSecret names those.
    again = objects if store is None else registered(made=True)
    secrets = [each.properties for each in again if each.properties["kind"] == "Secret"]
    return rendered([*kept, *secrets], stack.name, store, [each.properties for each in unknown])


def documents(result: Rendered, env: str) -> dict[str, str]:
    """File name → text."""
    texts = {name: _yaml(thing) for name, thing in result.files.items()}
    return {**texts, INDEX: head(result, env) + _yaml(index(result))}


def _is_made(thing: dict[str, Any]) -> bool:
    """Whether it is a ConfigMap that holds what an `up` makes, such as the certificate of an authority."""
    from groundplan_components.record import LATER  # noqa: PLC0415

    return thing["kind"] == "ConfigMap" and bool(later(thing.get("data"), LATER))


def _open(thing: dict[str, Any], secret: bool) -> dict[str, Any]:
    """An object that may be written. An annotation that is not known yet only makes pods roll: it is left out."""
    from groundplan_components.record import LATER  # noqa: PLC0415

    if secret:
        raise Refused(f"{title(thing)} holds a secret and is no Secret: it is not written")
    known = without_annotations(thing, LATER)
    if places := later(known, LATER):
        raise Refused(f"{title(thing)}: {places[0]} is only known when the stack is up: it can't be rendered")
    return dict(known)


#: The same text three times as fast, where the wheel has it: KubeRay's types alone are 1.5 MB.
_SAFE = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _Dumper(_SAFE):  # type: ignore[misc, valid-type]
    """Text of several lines as people write it: a change of a line is a change of a line."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(thing: Any) -> str:
    return str(yaml.dump(thing, Dumper=_Dumper, sort_keys=True, allow_unicode=True, width=120))


def _write(folder: Path, texts: dict[str, str]) -> None:
    """Replace the folder by another one that is whole. Refused for a folder that holds something else."""
    if folder.exists() and not _ours(folder):
        raise Refused(f"{folder} holds files that `groundplan render` has not written; fix: --out another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        for name, text in texts.items():
            (made / name).write_text(text, encoding="utf-8")
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)


def _ours(folder: Path) -> bool:
    marked = folder / INDEX
    return not any(folder.iterdir()) or (marked.exists() and MARK in marked.read_text(encoding="utf-8"))


def _compare(folder: Path, texts: dict[str, str], env: str) -> None:
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*.yaml")} if folder.exists() else {}
    differing = sorted(name for name in there.keys() | texts.keys() if there.get(name) != texts.get(name))
    if differing:
        raise GroundplanError(
            f"{folder} is not what the stack declares ({', '.join(differing[:5])}{', …' if differing[5:] else ''}); "
            f"fix: groundplan render {env}"
        )
    print_line(f"{len(texts)} files in {folder} are what the stack declares")
