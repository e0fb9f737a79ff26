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
PGPASS, AWS, MLFLOW = "pgpass", "aws-credentials", "mlflow-token"
#: A stack's own registry, where no stack is named.
OWN = ""


class OwnerDown(ServiceError):
    """The stack that owns the registry is not deployed."""


class RuntimeConfigHandler:
    """Inputs: folder, stack_id, stack, bucket, endpoints, applications; registry, where another stack's is read.

    Files: runtime.json, pgpass, aws-credentials; mlflow-token, the reader's of that stack, which is in no state.
    """

    token = "groundplan:local:RuntimeConfig"  # noqa: S105  (a type's name)
    secret_outputs: frozenset[str] = frozenset()
    outputs = frozenset({"path", "intact"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """A stack keeps the registry that it began with: its numbers would come to mean other pairs."""
        before, now = _reads(Folder.of(inputs)), (inputs.get("registry") or {}).get("stack")
        if before in (None, now or OWN):
            return inputs, []
        here = inputs["stack"]
        what = f"stacks/{here}.yaml: source.registry: {here} has pairs under the numbers of {_whose(before)} registry"
        fix = f"groundplan down {here} --purge first (its pairs come again, by their digest), or leave it as it was"
        return inputs, [Failure("registry", f"{what}, not of {_whose(now or OWN)}; fix: {fix}")]

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
        try:
            intact = all(_same(path, text) for path, text in _files(folder, state).items())
        except OwnerDown:  # a look, and a way down, need no owner
            intact = True
        return {**state, "intact": intact}

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
            files = (folder.runtime, folder.secrets / PGPASS, folder.secrets / AWS)
            for path in (*files, *([folder.secrets / MLFLOW] if state.get("registry") else [])):
                path.unlink(missing_ok=True)


def _files(folder: Folder, values: dict[str, Any]) -> dict[Path, str]:
    return {
        folder.runtime: _document(folder, values),
        folder.secrets / PGPASS: _pgpass(folder, str(values["endpoints"]["database"])),
        folder.secrets / AWS: _aws(folder),
    } | ({folder.secrets / MLFLOW: _reader(values)} if values.get("registry") else {})


def _document(folder: Folder, values: dict[str, Any]) -> str:
    content = {key: values[key] for key in ("stack", "stack_id", "bucket", "endpoints")}
    content["applications"] = values.get("applications") or {}
    content |= {"data_dir": str(folder.root), "secrets_dir": str(folder.secrets)}
    content |= {"registry": values["registry"]["stack"]} if values.get("registry") else {}
    return json.dumps(content, indent=2, sort_keys=True) + "\n"


def _pgpass(folder: Folder, database: str) -> str:
    return "".join(f"{database}:*:{role}:{_secret(folder, name)}\n" for role, name in ROLES.items())


def _aws(folder: Folder) -> str:
    key, secret = _secret(folder, "objects-access-key"), _secret(folder, "objects-secret-key")
    return f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def _reader(values: dict[str, Any]) -> str:
    """The token by which the owner of the registry knows a reader, as its folder has it now."""
    owner, file = values["registry"]["stack"], Path(values["registry"]["token_file"])
    try:
        return file.read_text()
    except FileNotFoundError:
        what = f"{values['stack']} reads the registry of {owner}, which is not deployed ({file} is missing)"
        raise OwnerDown(f"{what}; fix: groundplan up {owner} first") from None


def _reads(folder: Folder) -> str | None:
    """Whose registry the stack read last; None where nothing says so."""
    try:
        return str(json.loads(folder.runtime.read_text()).get("registry") or OWN)
    except (OSError, ValueError):
        return None


def _whose(stack: str) -> str:
    return f"{stack}'s" if stack else "its own"


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
