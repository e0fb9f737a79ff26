"""Waiting for a service to become healthy, and saying why it did not."""

import time
from pathlib import Path

from groundplan.local.health import healthy
from groundplan.local.program import Program
from groundplan.local.supervisor import Running, Supervisor
from groundplan.provider.handler import Context

POLL, TELL = 0.2, 2.0
#: A question that takes long is asked less often the longer it is asked: up to this many times what it takes lies
#: between two, but no more than a tenth of the wait. What starts needs the machine itself.
REST = 9
#: A process that was started this often and ended each time will not come up by itself.
STARTS = 3
LINES = 12


def await_healthy(program: Program, ctx: Context, timeout: float, *, told: bool = True) -> str | None:
    """Wait until the service is healthy; return ``None``, or in words what is wrong.

    ``told``: report progress. A cancelled wait leaves the service running.
    """
    control, environment = Supervisor(program.folder), program.full_environment()
    began, next_word, starts = time.monotonic(), TELL, set[int]()
    while True:
        asked = time.monotonic()
        running = control.look(program.name)
        starts |= {running.started} if running and running.started else set()
        if running and running.up and healthy(program.health, environment, program.folder.root):
            return None
        waited = time.monotonic() - began
        trouble = _trouble(running, len(starts)) or _patience(ctx, waited, timeout)
        if trouble:
            return trouble
        if told and waited >= next_word:
            ctx.report(f"{program.name}: starting ({waited:.0f} s)")
            next_word += TELL
        time.sleep(max(POLL, min(REST * (time.monotonic() - asked), waited / 10)))


def _trouble(running: Running | None, starts: int) -> str | None:
    if running is None:
        return "its supervisor has gone"
    if running.state == "FATAL" or (not running.up and starts >= STARTS):
        return f"does not start ({running.spawn_error or 'its process ends at once'})"
    return "is stopped" if running.state == "STOPPED" else None


def _patience(ctx: Context, waited: float, timeout: float) -> str | None:
    if ctx.cancelled.is_set():
        return "cancelled while it starts; it goes on"
    return f"not healthy after {timeout:.0f} s" if waited > timeout else None


def last_lines(log: Path, since: int) -> str:
    """Return the last lines written since that offset, indented under the error they explain."""
    try:
        with log.open("rb") as file:
            file.seek(since if log.stat().st_size >= since else 0)
            text = file.read()[-20_000:].decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "".join(f"\n  {line[:300]}" for line in text.strip().splitlines()[-LINES:])
