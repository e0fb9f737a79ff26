"""``groundplan:stack:Secret``: a generated secret that the stack's state keeps, encrypted, whoever deploys it.

In a cluster the data is not on the deployer's machine, so neither is what opens it: another person's `up`, from another
checkout, has to find the same value. A file of it is written where one is named, for what runs beside the engine.
"""

import secrets
from pathlib import Path
from typing import Any

from groundplan.local.folder import private, write_private
from groundplan.local.secret import BYTES
from groundplan.provider.handler import Context, Failure


class StackSecretHandler:
    """Inputs: name, stack_id, path (of a 0600 file, or empty). Outputs: value, intact."""

    token = "groundplan:stack:Secret"  # noqa: S105  (a type's name)
    secret_outputs = frozenset({"value"})
    outputs = frozenset({"value", "intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Nothing to check: the plan made it."""
        return {"path": "", **inputs}, []

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A file that is missing here, or says something else, is written."""
        return frozenset() if state.get("intact", True) else frozenset({"intact"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Generate it. Nothing is adopted: services take a new value when they start anew."""
        return f"{inputs['stack_id']}/{inputs['name']}", _write(inputs, secrets.token_urlsafe(BYTES))

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Return what the state knows, and whether the file of it is here."""
        return {**state, "intact": _intact(state)}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Write the file again; the value stays."""
        if state.get("path") not in ("", inputs["path"]):
            Path(state["path"]).unlink(missing_ok=True)
        return _write(inputs, str(state["value"]))

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove the file."""
        if state.get("path"):
            Path(state["path"]).unlink(missing_ok=True)


def _write(inputs: dict[str, Any], value: str) -> dict[str, Any]:
    state = {**inputs, "value": value, "intact": True}
    if not _intact(state):
        path = Path(inputs["path"])
        private(path.parent)
        write_private(path, value + "\n")
    return state


def _intact(state: dict[str, Any]) -> bool:
    if not state.get("path"):
        return True
    path = Path(state["path"])
    return path.exists() and path.stat().st_mode & 0o777 == 0o600 and path.read_text().strip() == state["value"]
