"""``groundplan:local:DataFolder``: the folder a stack owns, and in it a copy of the code that its services run."""

import shutil
import stat
from pathlib import Path
from typing import Any

from groundplan.local import code
from groundplan.local.folder import ELSEWHERE, Folder, Owner
from groundplan.local.program import UNFIT
from groundplan.local.supervisor import Supervisor
from groundplan.provider.handler import Context, Failure

#: What ``delete`` with ``keep`` removes beside the supervisor: nothing that cannot be made again.
REMADE = ("supervisor", "code", "runtime.json")


class DataFolderHandler:
    """Inputs: ``folder``, ``stack_id``, ``stack``, ``root`` (checkout), ``keep``, ``code`` (digest), ``sources``."""

    token = "groundplan:local:DataFolder"  # noqa: S105  (a type's name)
    secret_outputs: frozenset[str] = frozenset()
    outputs = frozenset({"intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Whose the folder is, said at preview."""
        filled = {"keep": True, "code": "", "sources": [], **inputs}
        failures = []
        if UNFIT.search(str(filled.get("folder", ""))):
            failures.append(Failure("folder", "quotes, line breaks, ` ;` and ` #` cannot be in a data folder's path"))
        folder = Folder.of(filled) if {"folder", "stack_id"} <= filled.keys() else None
        if folder and folder.owner() and not folder.mine():
            failures.append(Failure("folder", _reason(folder)))
        return filled, failures

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A folder open to others, or without its code, is mended by ``up``."""
        return frozenset() if state.get("intact", True) else frozenset({"intact"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Make the folder, or adopt it when it is this stack's; copy the code."""
        folder = Folder.of(inputs)
        folder.claim(Owner(inputs["stack_id"], inputs["stack"], inputs["root"]))
        return inputs["stack_id"], self.update("", {}, inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """``None`` when the folder is gone, or somebody else's now."""
        folder = Folder.of(state)
        return {**state, "intact": _intact(folder, state)} if folder.mine() else None

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Close the folder to others, copy the code as it is now, drop copies that nothing runs any more."""
        folder = Folder.of(inputs)
        folder.claim(Owner(inputs["stack_id"], inputs["stack"], inputs["root"]))
        folder.root.chmod(0o700)
        with folder.locked():
            if inputs.get("code"):
                code.stage(folder, inputs["code"], [Path(source) for source in inputs["sources"]])
            code.prune(folder, inputs.get("code", ""))
        return {**inputs, "intact": True}

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Stop the supervisor and remove the folder; with ``keep`` the data, the secrets and the logs stay."""
        folder = Folder.of(state)
        if not folder.mine():
            return
        for line in remove(folder, keep=bool(state.get("keep", True))):
            ctx.report(line)


def remove(folder: Folder, *, keep: bool) -> list[str]:
    """Stop all that runs in a folder and remove it, or (``keep``) only what can be made again; say what was done.

    Raises:
        Refused: the folder is another stack's.
    """
    folder.verify()
    with folder.locked():
        Supervisor(folder).shutdown()
    shutil.rmtree(folder.short, ignore_errors=True)
    if not keep:
        shutil.rmtree(folder.root)
        return [f"removed {folder.root}"]
    for name in REMADE:
        path = folder.root / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    return [f"kept {folder.root}: {', '.join(_kept(folder))}"]


def _kept(folder: Folder) -> list[str]:
    return sorted(path.name for path in folder.root.iterdir() if not path.name.startswith("."))


def _intact(folder: Folder, state: dict[str, Any]) -> bool:
    closed = stat.S_IMODE(folder.root.stat().st_mode) == 0o700
    return closed and (not state.get("code") or (folder.code / state["code"]).is_dir())


def _reason(folder: Folder) -> str:
    owner = folder.owner()
    whose = f"stack {owner.stack} of {owner.root}" if owner else "nobody"
    return f"{folder.root} belongs to {whose}; {ELSEWHERE}"
