"""Before a container of ours starts in a pod: secrets become files that only its user may read. Standard library only.

Kubernetes mounts a Secret readable by its group, which libpq refuses for a file of passwords, and knows nothing of
files that are derived from several. ``python -m groundplan_runtime.pod`` copies what ``GROUNDPLAN_SEALED`` names into
the ``secrets_dir`` of the runtime document, in memory, and derives ``pgpass`` and ``aws-credentials`` there. Where the
runtime document is no file of its own, it is in ``GROUNDPLAN_SETTINGS``, and is written down first: a run's pod is in a
team's namespace, where people may change ConfigMaps, and is not to go where they lead it.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from groundplan_runtime.config import LOOPBACK, VARIABLE, Runtime

SEALED, SETTINGS = "GROUNDPLAN_SEALED", "GROUNDPLAN_SETTINGS"
ROLE, ADMIN = "database-", "database-admin"


def main() -> int:
    """Write the files. Returns 1, with one line, when there is nothing to write them from."""
    sealed = os.environ.get(SEALED)
    if not sealed or not Path(sealed).is_dir():
        sys.stderr.write(f"error: {SEALED}: no such folder; got {sealed}; fix: mount the secrets there\n")
        return 1
    if SETTINGS in os.environ:
        _private(Path(os.environ[VARIABLE]), os.environ[SETTINGS])
    write(Runtime.load(), Path(sealed))
    return 0


def write(runtime: Runtime, sealed: Path) -> None:
    """Copy every secret in ``sealed`` and write what is derived from them."""
    found = {path.name: path.read_text().strip() for path in sealed.iterdir() if not path.name.startswith(".")}
    runtime.secrets_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name, text in {**found, **_derived(runtime, found)}.items():
        _private(runtime.secret_file(name), text)


def _derived(runtime: Runtime, found: Mapping[str, str]) -> dict[str, str]:
    passwords = {_role(name): text for name, text in found.items() if name.startswith(ROLE)}
    files = {"pgpass": pgpass(runtime.endpoint("database"), passwords)} if passwords else {}
    if "objects-access-key" in found:
        files["aws-credentials"] = aws_credentials(found["objects-access-key"], found["objects-secret-key"])
    return files


def pgpass(database: str, passwords: Mapping[str, str]) -> str:
    """Return libpq's file of passwords, role → password; also for the pod that is the database, asking itself."""
    hosts = dict.fromkeys((database, f"{LOOPBACK}:{database.rpartition(':')[2]}"))
    return "".join(f"{host}:*:{role}:{_escaped(text)}\n" for host in hosts for role, text in sorted(passwords.items()))


def aws_credentials(key: str, secret: str) -> str:
    """Return AWS' shared credentials file with one profile."""
    return f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n"


def _role(name: str) -> str:
    return "postgres" if name == ADMIN else name.removeprefix(ROLE).replace("-", "_")


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")


def _private(path: Path, text: str) -> None:
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text if text.endswith("\n") else text + "\n")
    new.replace(path)


if __name__ == "__main__":
    sys.exit(main())
