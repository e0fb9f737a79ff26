"""The runtime's Python environment: mlflow, feast, ray, and the local services' programs, once per lock digest."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from groundplan.errors import ToolError
from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import size_of, step
from groundplan.tools.uv import find_uv

EXTRAS = ("local", "runtime")
MARKER = ".complete"


def ensure_runtime(root: Path) -> Path:
    """Python of the runtime's environment that belongs to ``root``'s lock file; made in the cache if need be."""
    entry = cache_root() / "runtime" / lock_digest(root)
    if not _complete(entry):
        with locked(entry, "the runtime's environment"):
            if not _complete(entry):
                _make(root, entry)
    return entry / "bin" / "python"


def lock_digest(root: Path) -> str:
    """Digest of the lock file and the Python that runs: another of either is another environment."""
    lock = root / "uv.lock"
    if not lock.exists():
        raise ToolError(f"{lock}: missing; fix: restore it from git, or run uv lock")
    python = f"{sys.implementation.name} {sys.version_info[:3]} {','.join(EXTRAS)}"
    return hashlib.sha256(lock.read_bytes() + python.encode()).hexdigest()[:16]


def _complete(entry: Path) -> bool:
    return (entry / MARKER).exists() and os.access(entry / "bin" / "python", os.X_OK)


def _make(root: Path, entry: Path) -> None:
    # Built in place, since environments cannot be moved; the marker, written last, says that it is whole.
    shutil.rmtree(entry, ignore_errors=True)
    log = entry.parent / f"{entry.name}.log"
    command = [str(find_uv()), "sync", "--frozen", "--no-install-project", "--no-dev", "--python", sys.executable]
    for extra in EXTRAS:
        command += ["--extra", extra]
    env = os.environ | {"UV_PROJECT_ENVIRONMENT": str(entry)}
    env.pop("VIRTUAL_ENV", None)
    with step("getting the runtime's environment (mlflow, feast, ray …: about 1.5 GB)", lambda: size_of(entry)):
        with log.open("w") as output:
            done = subprocess.run(command, cwd=root, env=env, stdout=output, stderr=subprocess.STDOUT)
        if done.returncode:
            raise ToolError(f"the runtime's environment could not be made: {_why(log)}; all of it: {log}")
    (entry / MARKER).touch()


def _why(log: Path) -> str:
    lines = [line.strip(" ×├╰─▶\n") for line in log.read_text().splitlines() if line.strip()]
    return next((line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "no output")
