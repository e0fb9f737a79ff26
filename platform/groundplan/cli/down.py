"""``groundplan down``."""

import shutil
import sys
from pathlib import Path

import typer

from groundplan.cli._app import ENV, command_app
from groundplan.cli._checkout import PROJECT, Checkout, open_checkout
from groundplan.cli._console import print_line, say
from groundplan.cli._engine import pulumi
from groundplan.cli._owner import readers
from groundplan.cli._platform import Platform, open_platform
from groundplan.cli._settings import is_deployed, stack_id
from groundplan.cli._workspace import open_workspace
from groundplan.errors import GroundplanError, Refused
from groundplan.kind.upkeep import remove_cluster
from groundplan.local.data_folder import remove
from groundplan.local.folder import Folder
from groundplan.tools.progress import megabytes, size_of

app = command_app()


@app.command(epilog="groundplan down · groundplan down local --purge --yes")
def down(
    env: str = ENV,
    purge: bool = typer.Option(False, "--purge", help="Remove the data too, and every file that a deployment made."),
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask before a purge."),
) -> None:
    """Stop everything that runs; keep the data, so that the next `up` goes on with it, or remove it with --purge."""
    checkout = open_checkout(env)
    platform = open_platform(checkout)
    data, stack = platform.data, platform.stack
    _spare(checkout, purge)
    if purge and not yes:
        _confirm(checkout, data)
    _destroy(checkout, purge)
    if purge:
        if stack.target == "kind":
            remove_cluster(stack, stack_id(checkout) or "", checkout.root)
        _purge(checkout, data, platform.local)
        print_line(f"{env}: everything is removed; nothing was kept")
    elif data.exists():
        print_line(f"{env}: kept the data {_where(platform)}: features, models, history")
        print_line(f"go on with it: groundplan up {env}; remove it: groundplan down {env} --purge")


def _spare(checkout: Checkout, purge: bool) -> None:
    """Refuse to purge a registry that others read; say so where it only stops."""
    names = readers(checkout)
    what = f"{', '.join(names)} reads the registry of {checkout.env}"
    if names and purge:
        fix = " && ".join(f"groundplan down {name} --purge" for name in names)
        raise GroundplanError(f"{what}, and a purge removes its pairs; fix: {fix} first")
    if names:
        say(f"{what}: what it holds answers on, and it loads no other pair until groundplan up {checkout.env}")


def _where(platform: Platform) -> str:
    if platform.local:
        return f"in {platform.data} ({megabytes(size_of(platform.data))})"
    kept = platform.stack.protection.keep_data
    return f"in namespace {platform.namespace} of its cluster" if kept else "nowhere"


def _confirm(checkout: Checkout, data: Path) -> None:
    if not sys.stdin.isatty():
        raise GroundplanError(f"a purge removes {data}; fix: say so with --yes")
    typer.confirm(f"Remove {data} with all features, models and history of {checkout.env!r}?", abort=True, err=True)


def _destroy(checkout: Checkout, purge: bool) -> None:
    if not is_deployed(checkout):
        print_line(f"{checkout.env}: nothing is deployed")
        return
    if purge and not checkout.passphrase.exists():
        # The state cannot be read without it; what it would lead to is stopped by `_purge` all the same.
        say(f"{checkout.passphrase} is missing: stopping the processes without the engine")
        return
    if code := pulumi(open_workspace(checkout), ["destroy", "--yes"]):
        raise typer.Exit(code)


def _purge(checkout: Checkout, data: Path, local: bool) -> None:
    """Remove every file of the stack: its data if they are its own, its state, its settings."""
    id = stack_id(checkout)
    if data.exists() and local:
        _remove_data(Folder(data.resolve(), id or ""))
    elif data.exists():
        shutil.rmtree(data)
    kept = checkout.backend / ".pulumi"
    for pattern in (f"*/{PROJECT}/{checkout.env}", f"*/{PROJECT}/{checkout.env}.json*", f"locks/*/*/{checkout.env}"):
        for path in kept.glob(pattern):
            _remove(path)
    _remove(checkout.settings)
    if not any(kept.glob(f"stacks/{PROJECT}/*.json")):
        _remove(checkout.own)


def _remove_data(folder: Folder) -> None:
    if not folder.mine():
        raise Refused(
            f"{folder.root} is not this stack's ({folder.owner() or 'no owner is written in it'}): not removed"
        )
    remove(folder, keep=False)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
