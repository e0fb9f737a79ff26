"""A fresh clone with its own ports, as a user has it: what the end-to-end tests drive."""

import fcntl
import itertools
import json
import os
import random
import re
import shlex
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import httpx
import psutil

ROOT = Path(__file__).resolve().parents[2]
SPAN = 100
#: A file for each base, locked by whoever uses it.
PORTS = Path(tempfile.gettempdir()) / "groundplan-test-ports"
_RESERVED: list[IO[str]] = []


def free_port_base() -> int:
    """Return a base so that base … base + 99 are all free on loopback now: any, as others may look at this moment.

    It is this process' until it ends, unless all are somebody's: what will listen there may take minutes to start.
    """
    bases = random.sample(range(23000, 32000, SPAN), 9000 // SPAN)
    for base in itertools.chain(filter(_reserve, bases), bases):
        if all(_is_free(base + offset) for offset in range(SPAN)):
            return base
    raise RuntimeError("no span of 100 free ports between 23000 and 32000")


def _reserve(base: int) -> bool:
    PORTS.mkdir(exist_ok=True)
    file = (PORTS / str(base)).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return False
    _RESERVED.append(file)
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def pass_of(outputs: dict[str, Any]) -> dict[str, str]:
    """Return the header by which the deployer asks an application without the gateway."""
    return {"X-Groundplan-Gateway": outputs["credentials"]["serving-token"]}


@dataclass
class Clone:
    """A clone at ``path`` whose local stack listens from ``port_base``."""

    path: Path
    port_base: int
    first_up: str = ""
    #: What :meth:`outputs` found, until anything is run again.
    _outputs: dict[str, Any] | None = field(default=None, init=False, repr=False)
    _exports: str = field(default="", init=False, repr=False)

    def run(
        self, *command: str, ok: bool = True, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the clone; with ``ok`` fail with all its output when it fails."""
        self._outputs = None
        done = subprocess.run(command, cwd=self.path, capture_output=True, text=True, env={**os.environ, **(env or {})})
        if ok and done.returncode:
            raise AssertionError(f"{shlex.join(command)} exited {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def groundplan(self, *args: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the clone's own ``groundplan``."""
        return self.run(str(self.path / ".venv/bin/groundplan"), *args, ok=ok)

    def pulumi(self, *args: str, ok: bool = True) -> subprocess.CompletedProcess[str]:
        """Run plain ``pulumi`` as a user does after ``eval "$(groundplan env local)"``."""
        return self.run("bash", "-c", f"{self.exports()}exec pulumi {shlex.join(args)}", ok=ok)

    def exports(self) -> str:
        """The lines of ``groundplan env local``: asked for once, as in a user's shell."""
        self._exports = self._exports or self.groundplan("env", "local").stdout
        return self._exports

    def steps(self) -> dict[str, str]:
        """Preview; return what would change as ``Type name`` → operation, ``same`` and reads left out."""
        document = json.loads(self.pulumi("preview", "-s", "local", "--json").stdout)
        return {_title(s["urn"]): s["op"] for s in document.get("steps", []) if s["op"] not in QUIET}

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets shown."""
        if self._outputs is None:
            self._outputs = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets", "-s", "local").stdout)
        return self._outputs

    def predict(self, entities: list[dict[str, Any]]) -> httpx.Response:
        """Ask the served model for a prediction over HTTP."""
        outputs = self.outputs()
        url = f"{outputs['endpoints']['predict']}/predict/feast/batch"
        return httpx.post(url, json={"entities": entities}, headers=pass_of(outputs), timeout=30)

    def runtime(self, code: str) -> str:
        """Run Python in the runtime's environment with the stack's configuration, as an operator might."""
        folder = self.path / ".groundplan/local"
        code_folder = next((folder / "code").iterdir())
        script = f'{self.exports()}exec "$GROUNDPLAN_RUNTIME_PYTHON" -c {shlex.quote(code)}'
        env = {"GROUNDPLAN_RUNTIME": str(folder / "runtime.json"), "PYTHONPATH": str(code_folder)}
        return self.run("bash", "-c", script, env=env).stdout

    def edit(self, name: str, pattern: str, replacement: str) -> None:
        """Replace one line's text in a file of the clone; fail when nothing matches."""
        path = self.path / name
        text, count = re.subn(pattern, replacement, path.read_text(), count=1)
        assert count == 1, f"{name}: nothing matches {pattern}"
        path.write_text(text)

    @contextmanager
    def edited(self, name: str, pattern: str, replacement: str) -> Iterator[None]:
        """The same, undone at the end."""
        before = (self.path / name).read_text()
        self.edit(name, pattern, replacement)
        try:
            yield
        finally:
            (self.path / name).write_text(before)

    def declare_only(self, project: str) -> None:
        """Have the stack hold one project instead of those it has; who had a role there has it in this one."""
        self.edit("stacks/local.yaml", r"(?m)^projects: \[.*\]|^projects:\n(- \w+\n)+", f"projects: [{project}]")
        path = self.path / "stacks/local.yaml"
        path.write_text(path.read_text().replace("projects: [flights]}", f"projects: [{project}]}}"))

    def processes(self) -> list[psutil.Process]:
        """Every process that runs out of this clone's data folder, or from below it."""
        return [p for p in psutil.process_iter() if self._is_mine(p)]

    def stop(self) -> None:
        """End what still runs of this clone, politely first: the last word of a test, also of a failed one."""
        self.run("make", "down", "PURGE=1", ok=False)
        left = self.processes()
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            words = [*process.cmdline(), process.environ().get("GROUNDPLAN_RUNTIME", "")]
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            return False
        return process.pid != os.getpid() and any(str(self.path / ".groundplan") in word for word in words)


QUIET = {"same", "read", "refresh"}


def _title(urn: str) -> str:
    _, _, type_chain, name = urn.split("::", 3)
    return f"{type_chain.rsplit(':', 1)[1]} {name}"


def make_clone(folder: Path) -> Clone:
    """Clone this repository's HEAD into ``folder`` and give its local stack free ports."""
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    clone = Clone(folder, free_port_base())
    clone.edit("stacks/local.yaml", r"port_base: \d+", f"port_base: {clone.port_base}")
    return clone
