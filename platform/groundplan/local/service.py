"""``groundplan:local:Service``: one supervised process with a health check."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from groundplan.errors import ServiceError
from groundplan.local import code, portcheck, processes
from groundplan.local.folder import Folder, private, write_private
from groundplan.local.health import KINDS
from groundplan.local.program import NAME, SIGNALS, Program
from groundplan.local.supervisor import Supervisor
from groundplan.local.waiting import await_healthy, last_lines
from groundplan.provider.handler import Context, Failure

SETUP = 120.0
#: How long a process that runs may be silent before it counts as down, in seconds.
SILENCE = 15.0
KNOWN = {"folder", "stack_id", "name", "command", "health"}
DEFAULTS: dict[str, Any] = {
    "environment": {}, "ports": {}, "setup": [], "scratch": [], "stop_seconds": 10, "stop_signal": "TERM", "code": "",
}  # fmt: skip


class ServiceHandler:
    """Inputs as in docs/contracts.md. Outputs: ``running`` (its process runs and is healthy), ``log`` (path)."""

    token = "groundplan:local:Service"  # noqa: S105  (a type's name)
    secret_outputs: frozenset[str] = frozenset()
    outputs = frozenset({"running", "log"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Names, kinds and free ports, at preview."""
        filled = {**DEFAULTS, **inputs}
        failures = [*_wrong_words(filled)]
        if not failures and filled.keys() >= KNOWN:
            failures += [*_unfit(filled), *portcheck.taken(Folder.of(filled).root, _ports(filled))]
        return filled, failures

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """A service that is down is started by a plain ``up``."""
        return frozenset() if state.get("running", True) else frozenset({"running"})

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Start the service, or adopt it when it runs as declared."""
        return f"{inputs['stack_id']}/{inputs['name']}", self.update("", {}, inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Tell whether it runs; a service that is down is not gone. ``None`` when the data folder is."""
        program = Program.of(state)
        if not program.folder.mine():
            return None
        running = Supervisor(program.folder).look(program.name)
        up = running is not None and running.up and _answers(program, ctx)
        return {**state, "running": up, "log": str(program.folder.log(program.name))}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Make it run as declared; a restart only when its process would differ, or is down."""
        program = Program.of(inputs)
        program.folder.verify()
        if not _runs_as_declared(program, ctx):
            _restart(program, ctx)
        for command in program.setup:
            _set_up(program, command, ctx)
        if inputs.get("code"):
            with program.folder.locked():
                code.prune(program.folder, str(inputs["code"]))
        return {**inputs, "running": True, "log": str(program.folder.log(program.name))}

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Stop it and forget it; the last one takes the supervisor with it."""
        program = Program.of(state)
        folder, control = program.folder, Supervisor(program.folder)
        if not folder.mine():
            return
        ctx.report(f"{program.name}: stopping")
        _stop(program, control)
        with folder.locked():
            folder.program(program.name).unlink(missing_ok=True)
            if control.alive():
                control.forget(program.name)
            if not any(folder.programs.glob("*.conf")):
                control.shutdown()
        for path in program.scratch:
            _remove_scratch(folder, Path(path))


def _wrong_words(inputs: dict[str, Any]) -> list[Failure]:
    name, kind, signal = str(inputs.get("name", "x")), (inputs.get("health") or {}).get("kind"), inputs["stop_signal"]
    failures = []
    if not NAME.fullmatch(name):
        failures.append(Failure("name", f"lower-case letters, digits, - and _; got {name!r}"))
    if kind not in KINDS:
        failures.append(Failure("health.kind", f"got {kind!r}; allowed: {', '.join(KINDS)}"))
    if signal not in SIGNALS:
        failures.append(Failure("stop_signal", f"got {signal!r}; allowed: {', '.join(SIGNALS)}"))
    return failures


def _unfit(inputs: dict[str, Any]) -> list[Failure]:
    try:
        Program.of(inputs).render()
    except ServiceError as error:
        return [Failure("command", str(error))]
    return []


def _ports(inputs: dict[str, Any]) -> dict[str, int]:
    return {name: int(port) for name, port in inputs["ports"].items()}


def _runs_as_declared(program: Program, ctx: Context) -> bool:
    file = program.folder.program(program.name)
    running = Supervisor(program.folder).look(program.name)
    if running is None or not running.up or not file.exists() or file.read_text() != program.render():
        return False
    return _answers(program, ctx)


def _answers(program: Program, ctx: Context) -> bool:
    """A process that runs may be busy for a moment: asked again for a while before it counts as down."""
    return await_healthy(program, ctx, SILENCE, told=False) is None


def _restart(program: Program, ctx: Context) -> None:
    folder, control = program.folder, Supervisor(program.folder)
    with folder.locked():
        control.ensure()
    _stop(program, control)
    portcheck.require_free(program.name, folder.root, program.ports)
    with folder.locked():
        private(folder.programs)
        write_private(folder.program(program.name), program.render())
        control.load(program.name)
    log = folder.log(program.name)
    before = log.stat().st_size if log.exists() else 0
    control.start(program.name)
    trouble = await_healthy(program, ctx, program.timeout)
    if trouble:
        raise ServiceError(f"{program.name}: {trouble}; its log: {log}{last_lines(log, before)}")


def _stop(program: Program, control: Supervisor) -> None:
    """Stop it, and what it (or an earlier supervisor's) may have left behind."""
    if control.alive():
        control.stop(program.name)
    processes.end(processes.of_folder(program.folder.root, program.name))


def _set_up(program: Program, command: tuple[str, ...], ctx: Context) -> None:
    ctx.report(f"{program.name}: setting up")
    try:
        done = subprocess.run(
            command, env=program.full_environment(), cwd=program.folder.root, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=SETUP,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise ServiceError(f"{program.name}: setup takes longer than {SETUP:.0f} s: {command[:3]}") from None
    if done.returncode:
        tail = "\n  ".join(done.stdout.strip().splitlines()[-8:])
        raise ServiceError(
            f"{program.name}: setup failed ({done.returncode}); its log: {program.folder.log(program.name)}\n  {tail}"
        )


def _remove_scratch(folder: Folder, path: Path) -> None:
    """Only what is surely the stack's own: a state that was tampered with removes nothing else."""
    if not path.exists():
        return
    below = any(path.resolve().is_relative_to(parent.resolve()) for parent in (folder.root, folder.short))
    if not below and not (path.is_socket() and path.lstat().st_uid == os.geteuid()):
        raise ServiceError(f"{path} is not the stack's to remove")
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
