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
from groundplan.cli._policies import Pack
from groundplan.cli._way_in import way_in
from groundplan.cli._workspace import Workspace
from groundplan.errors import Refused
from groundplan.tools.progress import say

#: Exit code of the engine when ``--expect-no-changes`` met changes.
CHANGES = 7
INTERRUPTED = 130
LOCKED = "the stack is currently locked by"
NOISE = ("no changes were expected",)


def pulumi(workspace: Workspace, arguments: Sequence[str], pack: Pack | None = None) -> int:
    """Run ``pulumi <arguments>`` for the stack, ``pack`` judging it, and return its exit code (130: interrupted).

    Raises :class:`Refused` when another run holds the stack.
    """
    for line in (*clear_leftovers(workspace.checkout), *clear_pending(workspace)):
        say(line)
    command = ["pulumi", *arguments, *(pack.arguments if pack else ()), "--stack", workspace.checkout.env]
    environment = workspace.environment()
    if pack:
        environment["PATH"] = pack.path(environment["PATH"])
    # Where there is a terminal, its Ctrl-C reaches child and us alike. Elsewhere a group of its own sees to it
    # that the child gets the signal once: a second one would make it drop its work.
    shared = sys.stdin.isatty() or sys.stdout.isatty()
    with way_in(workspace.checkout), _Interrupts(forward=not shared) as interrupts:
        child = subprocess.Popen(
            command,
            cwd=workspace.checkout.root,
            env=environment,
            stderr=subprocess.PIPE,
            text=True,
            process_group=None if shared else 0,
        )
        interrupts.attach(child)
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
    """While open: note Ctrl-C and SIGTERM instead of dying of them, and hand them on to the attached child."""

    def __init__(self, forward: bool) -> None:
        self.seen = False
        self._child: subprocess.Popen[str] | None = None
        self._forward = forward
        self._owed = False
        self._before: dict[int, Any] = {}

    def attach(self, child: subprocess.Popen[str]) -> None:
        """Hand signals on to ``child``, also one that came before it was there."""
        self._child = child
        if self._owed:
            child.send_signal(signal.SIGINT)

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
        if not self._forward and number == signal.SIGINT:
            return
        if self._child is None:
            self._owed = True
        else:
            self._child.send_signal(signal.SIGINT)
