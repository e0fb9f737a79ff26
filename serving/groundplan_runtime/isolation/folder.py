"""A run's own folder: its home, its temporary files, and the only platform that it knows of."""

import contextlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path

import psutil

from groundplan_runtime.config import Runtime
from groundplan_runtime.feast_repo import FEAST_REGISTRY
from groundplan_runtime.isolation.access import Access


def parent(runtime: Runtime) -> Path:
    """Return the folder that holds the folders of runs."""
    found = runtime.data_dir / "runs"
    found.mkdir(mode=0o700, parents=True, exist_ok=True)
    return found


@contextlib.contextmanager
def of_run(runtime: Runtime) -> Iterator[Path]:
    """Yield a new 0700 folder; it is gone afterwards, and so are those whose keepers were killed."""
    for old in parent(runtime).glob("*-*"):
        pid = old.name.partition("-")[0]
        if not (pid.isdigit() and psutil.pid_exists(int(pid))):
            shutil.rmtree(old, ignore_errors=True)
    made = parent(runtime) / f"{os.getpid()}-{uuid.uuid4().hex[:8]}"
    made.mkdir(mode=0o700)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def write_runtime(
    runtime: Runtime, folder: Path, access: Access, own: Mapping[str, str], registry: bytes | None
) -> Path:
    """Write the runtime document that the run is given: its services, its secrets, its folder. Returns its path.

    ``own`` are secrets that were made for it, by name.
    """
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700)
    for name in access.secrets:
        if runtime.secret_file(name).exists():
            _private(secrets / name, runtime.secret(name).encode())
    for name, value in own.items():
        _private(secrets / name, value.encode())
    endpoints = {name: runtime.endpoints[name] for name in access.services if name in runtime.endpoints}
    if registry is not None:
        _private(folder / "registry.db", registry)
        endpoints[FEAST_REGISTRY] = str(folder / "registry.db")
    document = {"stack": runtime.stack, "stack_id": runtime.stack_id, "bucket": runtime.bucket, "endpoints": endpoints}
    place = {"data_dir": str(folder), "secrets_dir": str(secrets), "region": runtime.region, "tls": runtime.tls}
    return _private(folder / "runtime.json", json.dumps({**document, **place}).encode())


def _private(path: Path, content: bytes) -> Path:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return path
