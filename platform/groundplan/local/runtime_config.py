"""``groundplan:local:RuntimeConfig``: how processes find each other, and files derived from secrets."""

import json
import stat
from pathlib import Path
from typing import Any

from groundplan.errors import ServiceError
from groundplan.local.folder import Folder, write_private
from groundplan.provider.handler import Context, Failure

#: Roles of the database, each with a secret ``database-<…>``.
ROLES = {
    "postgres": "database-admin",
    "mlflow": "database-mlflow",
    "feast": "database-feast",
    "feast_reader": "database-feast-reader",
    "controlplane": "database-controlplane",
    "identity": "database-identity",
}
PGPASS, AWS = "pgpass", "aws-credentials"


class RuntimeConfigHandler:
    """Inputs: folder, stack_id, stack, bucket, endpoints, applications.

    Files: runtime.json, pgpass, aws-credentials.
    """

    token = "groundplan:local:RuntimeConfig"  # noqa: S105  (a type's name)
    secret_outputs: frozenset[str] = frozenset()
    outputs = frozenset({"path", "intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Nothing to check: the plan made it."""
        return inputs, []

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A file that was changed or removed is written again."""
        return frozenset() if state.get("intact", True) else frozenset({"intact"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Write the files, or adopt them when they say the same."""
        return f"{inputs['stack_id']}/runtime", self.update("", {}, inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Tell whether the files are what they should be; ``None`` when their folder is gone."""
        folder = Folder.of(state)
        if not folder.mine():
            return None
        return {**state, "intact": all(_same(path, text) for path, text in _files(folder, state).items())}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Write the files that differ."""
        folder = Folder.of(inputs)
        folder.verify()
        for path, text in _files(folder, inputs).items():
            if not _same(path, text):
                write_private(path, text)
        return {**inputs, "path": str(folder.runtime), "intact": True}

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove the files: all of them can be made again."""
        folder = Folder.of(state)
        if folder.mine():
            for path in (folder.runtime, folder.secrets / PGPASS, folder.secrets / AWS):
                path.unlink(missing_ok=True)


def _files(folder: Folder, values: dict[str, Any]) -> dict[Path, str]:
    return {
        folder.runtime: _document(folder, values),
        folder.secrets / PGPASS: _pgpass(folder, str(values["endpoints"]["database"])),
        folder.secrets / AWS: _aws(folder),
    }


def _document(folder: Folder, values: dict[str, Any]) -> str:
    content = {key: values[key] for key in ("stack", "stack_id", "bucket", "endpoints")}
    content["applications"] = values.get("applications") or {}
    content |= {"data_dir": str(folder.root), "secrets_dir": str(folder.secrets)}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _pgpass(folder: Folder, database: str) -> str:
    return "".join(f"{database}:*:{role}:{_secret(folder, name)}\n" for role, name in ROLES.items())


def _aws(folder: Folder) -> str:
    key, secret = _secret(folder, "objects-access-key"), _secret(folder, "objects-secret-key")
    return f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def _secret(folder: Folder, name: str) -> str:
    try:
        return (folder.secrets / name).read_text().strip()
    except FileNotFoundError:
        raise ServiceError(f"{folder.secrets / name} is missing; fix: `groundplan up`") from None


def _same(path: Path, text: str) -> bool:
    try:
        return stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_text() == text
    except FileNotFoundError:
        return False
