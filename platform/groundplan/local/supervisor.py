"""One supervisord a data folder: started, asked and changed live over its 0700 socket. It outlives who started it."""

import http.client
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xmlrpc.client import Error as RpcError
from xmlrpc.client import Fault, ServerProxy

from supervisor.xmlrpc import Faults, SupervisorTransport

from groundplan.errors import ServiceError
from groundplan.local import processes
from groundplan.local.folder import Folder, private, write_private

START = 15.0
CONF = """\
[supervisord]
identifier={identifier}
logfile={logs}/supervisord.log
logfile_maxbytes=5MB
logfile_backups=1
pidfile={supervisor}/supervisord.pid
childlogdir={logs}
directory={root}
umask=077
silent=true
[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
[unix_http_server]
file={socket}
chmod=0700
[include]
files=conf.d/*.conf
"""


@dataclass(frozen=True)
class Running:
    """What the supervisor says of one service. ``started``: seconds since the epoch."""

    name: str
    state: str
    pid: int
    started: int
    spawn_error: str

    @property
    def up(self) -> bool:
        """Whether its process runs (it may not be healthy yet)."""
        return self.state in ("RUNNING", "STARTING") and self.pid > 0


class Supervisor:
    """Control over the supervisor of one data folder."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder

    def alive(self) -> bool:
        """Whether it runs and answers."""
        try:
            return bool(self._call("getState")["statecode"] == 1)
        except (OSError, RpcError, http.client.HTTPException):
            return False

    def ensure(self) -> None:
        """Start it unless it runs. What an earlier one has left running is ended first. Call with the folder locked."""
        if self.alive():
            return
        processes.end(processes.of_folder(self.folder.root))
        for path in (self.folder.programs, self.folder.logs, self.folder.socket.parent):
            private(path)
        self._start(self._write_conf())

    def _write_conf(self) -> Path:
        conf = self.folder.supervisor / "supervisord.conf"
        values = {
            "identifier": f"groundplan-{self.folder.stack_id}",
            "logs": self.folder.logs,
            "supervisor": self.folder.supervisor,
            "root": self.folder.root,
            "socket": self.folder.socket,
        }
        write_private(conf, CONF.format(**{key: str(value).replace("%", "%%") for key, value in values.items()}))
        return conf

    def _start(self, conf: Path) -> None:
        marks = {processes.FOLDER: str(self.folder.root), **processes.LEGIBLE}
        environment = {**processes.clean_environment(), **marks}
        command = [sys.executable, "-m", "supervisor.supervisord", "-c", str(conf)]
        done = subprocess.run(
            command, env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START
        )
        end = time.monotonic() + START
        while done.returncode == 0 and time.monotonic() < end:
            if self.alive():
                return
            time.sleep(0.05)
        said = " ".join((done.stderr or done.stdout).split())[-400:]
        raise ServiceError(
            f"supervisord does not start: {said or 'no answer'}; its log: {self.folder.logs}/supervisord.log"
        )

    def look(self, name: str) -> Running | None:
        """What it says of a service; ``None`` when it does not run or does not know it."""
        return next((found for found in self.all() if found.name == name), None)

    def all(self) -> list[Running]:
        """Every service it knows; none when it does not run."""
        try:
            found = self._call("getAllProcessInfo")
        except (OSError, RpcError, http.client.HTTPException):
            return []
        return [Running(f["name"], f["statename"], f["pid"], f["start"], f["spawnerr"]) for f in found]

    def load(self, name: str) -> None:
        """Take in a stopped service's configuration as it is on disk. Call with the folder locked."""
        self._call("reloadConfig")
        self._ignoring(Faults.BAD_NAME, "removeProcessGroup", name)
        self._ignoring(Faults.ALREADY_ADDED, "addProcessGroup", name)

    def forget(self, name: str) -> None:
        """Drop a stopped service."""
        self._ignoring(Faults.BAD_NAME, "removeProcessGroup", name)
        self._call("reloadConfig")

    def start(self, name: str) -> None:
        """Start a service without waiting for it."""
        self._ignoring(Faults.ALREADY_STARTED, "startProcess", name, False)

    def stop(self, name: str) -> None:
        """Stop a service and wait: its own signal first, SIGKILL to its whole group after ``stop_seconds``."""
        self._ignoring(Faults.NOT_RUNNING, "stopProcess", name)

    def shutdown(self) -> None:
        """Stop everything and the supervisor itself, whatever state it is in; leave no process of this folder."""
        if self.alive():
            self._call("shutdown")
        end = time.monotonic() + START
        while self.alive() and time.monotonic() < end:
            time.sleep(0.05)
        processes.end(processes.of_folder(self.folder.root))
        self.folder.socket.unlink(missing_ok=True)

    def _call(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, serverurl=f"unix://{self.folder.socket}")
        try:
            proxy = ServerProxy("http://127.0.0.1", transport=transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    def _ignoring(self, code: int, method: str, *arguments: Any) -> None:
        """Call; neither ``code`` nor a service that is not there is an error."""
        try:
            self._call(method, *arguments)
        except Fault as error:
            if error.faultCode not in (code, Faults.BAD_NAME):
                raise ServiceError(f"{arguments[0]}: supervisord refuses {method}: {error.faultString}") from None
