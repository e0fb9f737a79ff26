"""``python -m groundplan.backup.database save|restore <folder> [<backup>]``: all databases, by PostgreSQL's tools."""

import os
import subprocess
import sys
from pathlib import Path

from groundplan.backup.folder import LATEST, Backups
from groundplan.errors import GroundplanError, ServiceError
from groundplan.local.launch._pg import binaries
from groundplan_runtime.config import Runtime

DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"


def main() -> int:
    """Save or restore; prints what it did. Returns 1, with one line, when it could not."""
    what, root, name = (*sys.argv[1:3], *sys.argv[3:4], LATEST)[:3]
    try:
        done = save(Runtime.load(), Path(root)) if what == "save" else restore(Runtime.load(), Path(root), name)
    except GroundplanError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    sys.stdout.write(f"{what}: {', '.join(done)}\n")
    return 0


def save(runtime: Runtime, root: Path) -> list[str]:
    """Dump every database into a new backup, each as of one moment; return their names."""
    folder = Backups(root).begin() / "database"
    folder.mkdir()
    names = _run(runtime, "psql", "--no-psqlrc", "-tAc", DATABASES, "--dbname", "postgres").split()
    for name in names:
        _run(runtime, "pg_dump", "--format=custom", "--file", str(folder / f"{name}.dump"), "--dbname", name)
    return names


def restore(runtime: Runtime, root: Path, name: str) -> list[str]:
    """Bring every database of a backup back, each whole or not at all; return their names."""
    dumps = sorted((Backups(root).named(name) / "database").glob("*.dump"))
    for dump in dumps:
        flags = ("--clean", "--if-exists", "--single-transaction", "--exit-on-error")
        _run(runtime, "pg_restore", *flags, "--dbname", dump.stem, str(dump))
    return [dump.stem for dump in dumps]


def _run(runtime: Runtime, program: str, *words: str) -> str:
    host, port = runtime.endpoint("database").rsplit(":", 1)
    where = ["--host", host, "--port", port, "--username", "postgres", "--no-password"]
    environment = {**os.environ, "PGPASSFILE": str(runtime.secret_file("pgpass"))}
    command = [str(binaries() / program), *where, *words]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ServiceError(f"{program}: {' '.join(done.stderr.split())[-400:]}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
