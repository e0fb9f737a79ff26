"""Which processes belong to a data folder: each inherits two variables from its supervisor."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

FOLDER, SERVICE = "GROUNDPLAN_FOLDER", "GROUNDPLAN_SERVICE"
#: setproctitle (Ray's too) writes its title over the environment, and with it over our marks, unless told not to.
LEGIBLE = {"SPT_NOENV": "1"}
#: What a service gets from the environment it was started from: no credential, no passphrase, no proxy.
PASSED = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ", "TMPDIR")
PATIENCE = 10.0


def clean_environment() -> dict[str, str]:
    """Return the part of our environment that services may see."""
    return {name: os.environ[name] for name in PASSED if name in os.environ}


def of_folder(root: Path, service: str | None = None) -> list[psutil.Process]:
    """Return the folder's processes (of one service), without ourselves and what started us."""
    ours = {os.getpid(), *(p.pid for p in psutil.Process().parents())}
    return [p for p in psutil.process_iter() if p.pid not in ours and _belongs(p, root, service)]


def _belongs(process: psutil.Process, root: Path, service: str | None) -> bool:
    marks = environment_of(process)
    return marks.get(FOLDER) == str(root) and (service is None or marks.get(SERVICE) == service)


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Return a process's environment; empty when it is gone or another user's."""
    try:
        return process.environ()
    except (psutil.Error, OSError):
        return {}


def end(processes: Iterable[psutil.Process], patience: float = PATIENCE) -> None:
    """Terminate processes and all they started; kill what has not gone after ``patience`` seconds."""
    chosen = {p.pid: p for process in processes for p in _with_children(process)}
    for process in chosen.values():
        _signal(process, kill=False)
    _, left = psutil.wait_procs(list(chosen.values()), timeout=patience)
    for process in left:
        _signal(process, kill=True)
    psutil.wait_procs(left, timeout=PATIENCE)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _signal(process: psutil.Process, *, kill: bool) -> None:
    try:
        process.kill() if kill else process.terminate()
    except psutil.NoSuchProcess:
        return


@dataclass(frozen=True)
class Holder:
    """Who holds a port, as far as this user may see."""

    pid: int | None
    name: str
    folder: str | None

    def __str__(self) -> str:
        if self.pid is None:
            return "a process of another user"
        of = f" of the stack in {self.folder}" if self.folder else ""
        return f"{self.name} (pid {self.pid}){of}"


def holders(ports: Collection[int]) -> dict[int, Holder]:
    """Say which process listens at each of these TCP ports of this machine: one look, for a look takes long."""
    found: dict[int, Holder] = {}
    for connection in psutil.net_connections("tcp"):
        if connection.status != psutil.CONN_LISTEN or not connection.laddr or connection.pid is None:
            continue
        port = connection.laddr.port
        if port in ports and port not in found and (who := _holder(connection.pid)):
            found[port] = who
    return {port: found.get(port, Holder(None, "", None)) for port in ports}


def _holder(pid: int) -> Holder | None:
    try:
        process = psutil.Process(pid)
        return Holder(pid, process.name(), _folder(process))
    except psutil.NoSuchProcess:
        return None


def _folder(process: psutil.Process) -> str | None:
    """The folder's mark, also of a process that has overwritten its environment (PostgreSQL's children do)."""
    found = (environment_of(p).get(FOLDER) for p in [process, *process.parents()])
    return next((folder for folder in found if folder), None)
