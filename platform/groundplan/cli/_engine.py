"""Run Pulumi: its display goes through unchanged, a lock becomes one clear line, Ctrl-C reaches it once."""

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import IO, Any

from groundplan.cli._leftovers import clear_leftovers, locks
from groundplan.cli._pending import clear_pending
from groundplan.cli._workspace import Workspace
from groundplan.errors import Refused
from groundplan.tools.progress import say

#: Exit code of the engine when ``--expect-no-changes`` met changes.
CHANGES = 7
INTERRUPTED = 130
LOCKED = "the stack is currently locked by"
NOISE = ("no changes were expected",)


def pulumi(workspace: Workspace, arguments: Sequence[str]) -> int:
    """Run ``pulumi <arguments>`` for the stack and return its exit code (130 when it was interrupted).

    Raises :class:`Refused` when another run holds the stack.
    """
    for line in (*clear_leftovers(workspace.checkout), clear_pending(workspace)):
        if line:
            say(line)
    command = ["pulumi", *arguments, "--stack", workspace.checkout.env]
    shared = sys.stdin.isatty() or sys.stdout.isatty()
    child = subprocess.Popen(
        command,
        cwd=workspace.checkout.root,
        env=workspace.environment(),
        stderr=subprocess.PIPE,
        text=True,
        # Where there is a terminal, its Ctrl-C reaches child and us alike. Elsewhere a group of its own sees to it
        # that the child gets the signal once: a second one would make it drop its work.
        process_group=None if shared else 0,
    )
    with _Interrupts(child, forward=not shared) as interrupts:
        locked = _pass_errors(child.stderr)
        code = child.wait()
    if locked:
        raise Refused(_who_holds(workspace))
    # An interrupt that came too late to stop anything is none.
    return INTERRUPTED if interrupts.seen and code else code


def _pass_errors(stream: IO[str] | None) -> bool:
    """Copy the engine's standard error; True when it said that the stack is locked (that is told by us)."""
    locked = False
    for line in stream or ():
        locked = locked or LOCKED in line
        if not locked and not any(noise in line for noise in NOISE):
            sys.stderr.write(line)
            sys.stderr.flush()
    return locked


def _who_holds(workspace: Workspace) -> str:
    env = workspace.checkout.env
    holders = "; ".join(map(str, locks(workspace.checkout))) or "a run that has just ended"
    return (
        f"stack {env!r} is being changed by another run: {holders}; fix: wait for it, or end it with Ctrl-C, then again"
    )


class _Interrupts:
    """While open: note Ctrl-C and SIGTERM instead of dying of them, and hand them on."""

    def __init__(self, child: subprocess.Popen[str], forward: bool) -> None:
        self.seen = False
        self._child = child
        self._forward = forward
        self._before: dict[int, Any] = {}

    def __enter__(self) -> "_Interrupts":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, _: FrameType | None) -> None:
        self.seen = True
        if self._forward or number != signal.SIGINT:
            self._child.send_signal(signal.SIGINT)
