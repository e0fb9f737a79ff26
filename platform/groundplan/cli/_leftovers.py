"""What a killed engine leaves behind, its lock and its helpers: removed when it is surely dead."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path

import psutil

from groundplan.cli._checkout import PROJECT, Checkout

#: Programs that the engine starts and that outlive it when it is killed.
CHILDREN = ("pulumi-language-python", "pulumi-resource-groundplan", "pulumi-resource-pulumi-python")


@dataclass(frozen=True)
class Lock:
    """A lock on a stack in the file backend: who holds it, since when (UTC)."""

    file: Path
    pid: int
    user: str
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.pid} of {self.user} on {self.host}, since {self.since[:19].replace('T', ' ')} UTC"


def locks(checkout: Checkout) -> list[Lock]:
    """All locks on the stack."""
    folder = checkout.backend / ".pulumi" / "locks" / "organization" / PROJECT / checkout.env
    return [lock for file in sorted(folder.glob("*.json")) if (lock := _read(file))]


def clear_leftovers(checkout: Checkout) -> list[str]:
    """Remove locks and helpers of engines that are dead on this machine; return one line for each thing done."""
    done = []
    for lock in locks(checkout):
        if lock.host == socket.gethostname() and not _alive(lock):
            lock.file.unlink(missing_ok=True)
            lock.file.with_name(f"{lock.file.name}.attrs").unlink(missing_ok=True)
            done.append(f"removed the lock of a run that was killed ({lock})")
    for process in _orphans(checkout):
        process.kill()
        done.append(f"ended a helper of a run that was killed (process {process.pid})")
    return done


def _read(file: Path) -> Lock | None:
    try:
        content = json.loads(file.read_text())
    except FileNotFoundError:
        return None
    except ValueError:
        content = {}
    return Lock(
        file,
        int(content.get("pid", 0)),
        str(content.get("username", "?")),
        str(content.get("hostname", socket.gethostname())),
        str(content.get("timestamp", "?")),
    )


def _alive(lock: Lock) -> bool:
    """Whether the engine that took the lock still runs; a zombie, or another of its number, does not."""
    try:
        process = psutil.Process(lock.pid)
        return process.name().startswith("pulumi") and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _orphans(checkout: Checkout) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if _is_orphan(process, f"file://{checkout.backend}"):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


def _is_orphan(process: psutil.Process, backend: str) -> bool:
    command = " ".join(process.cmdline()[:3])
    if not any(name in command for name in CHILDREN) or process.environ().get("PULUMI_BACKEND_URL") != backend:
        return False
    ancestors = process.parents()
    return not any(parent.name() == "pulumi" for parent in ancestors)
