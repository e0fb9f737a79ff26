"""``groundplan:local:Secret``: a generated secret in a 0600 file, adopted when it is already there."""

import secrets
import stat
from pathlib import Path
from typing import Any

from groundplan.local.folder import Folder, private, write_private
from groundplan.local.program import NAME
from groundplan.provider.handler import Context, Failure

BYTES = 32


class SecretHandler:
    """Inputs: folder, stack_id, name, keep (the file outlives the resource). Outputs: value, path, intact."""

    token = "groundplan:local:Secret"  # noqa: S105  (a type's name)
    secret_outputs = frozenset({"value"})
    outputs = frozenset({"value", "path", "intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """The name is a file's name."""
        fits = NAME.fullmatch(str(inputs.get("name", "x")))
        failures = [] if fits else [Failure("name", f"lower-case letters, digits, - and _; got {inputs['name']!r}")]
        return {"keep": True, **inputs}, failures

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A file that was changed, opened to others or removed is written again with the value we know."""
        return frozenset() if state.get("intact", True) else frozenset({"intact"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Adopt the file, or generate a secret into it."""
        Folder.of(inputs).verify()
        file = _file(inputs)
        value = file.read_text().strip() if file.exists() else ""
        return f"{inputs['stack_id']}/{inputs['name']}", _write(inputs, value or secrets.token_urlsafe(BYTES))

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Tell whether the file is as it was left; ``None`` when its folder is gone."""
        if not Folder.of(state).mine():
            return None
        return {**state, "intact": _intact(_file(state), str(state["value"]))}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Write the known value again: services were set up with it."""
        Folder.of(inputs).verify()
        return _write(inputs, str(state["value"]))

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove the file, unless it is kept: kept data cannot be opened without it."""
        if Folder.of(state).mine() and not state.get("keep", True):
            _file(state).unlink(missing_ok=True)


def _file(values: dict[str, Any]) -> Path:
    return Folder.of(values).secrets / str(values["name"])


def _write(inputs: dict[str, Any], value: str) -> dict[str, Any]:
    file = _file(inputs)
    private(file.parent)
    if not _intact(file, value):
        write_private(file, value + "\n")
    return {**inputs, "value": value, "path": str(file), "intact": True}


def _intact(file: Path, value: str) -> bool:
    try:
        return stat.S_IMODE(file.stat().st_mode) == 0o600 and file.read_text().strip() == value
    except FileNotFoundError:
        return False
