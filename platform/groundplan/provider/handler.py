"""The contract between the provider and what it manages: one handler a resource type, in plain Python values.

The law: ``create`` adopts what is already there, ``update`` is in place, ``read`` tells what is really
there and returns ``None`` only for what is gone for good, ``delete`` of something gone succeeds. A handler that
cannot reach its service in ``read`` raises :class:`Unreachable`; the provider then keeps the old state and warns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol, runtime_checkable

from groundplan.provider.diff import Changes


class Unreachable(Exception):
    """``read`` could not look: the service does not answer. The old state is kept, with a warning."""


@dataclass(frozen=True)
class Failure:
    """One thing wrong with an input, shown at preview. ``property`` is a dotted path."""

    property: str
    reason: str


@dataclass(frozen=True)
class Context:
    """What a handler is told about the call it serves.

    ``report`` streams one line of progress into the engine's display, ``tell`` one that stays; ``warn`` a warning;
    ``cancelled`` is set when the user pressed Ctrl-C: stop waiting, leave the work running.
    ``config`` is the provider's configuration (``stack_id``, ``endpoint``, ``token_file``).
    """

    urn: str
    name: str
    preview: bool
    report: Callable[[str], None]
    warn: Callable[[str], None]
    config: Mapping[str, str]
    cancelled: Event = field(default_factory=Event)
    tell: Callable[[str], None] = field(default=lambda _: None)


class Handler(Protocol):
    """Drives one resource type. Values are plain (dict, list, str, int, float, bool, None)."""

    token: str
    secret_outputs: frozenset[str]
    #: Properties of the state that are not inputs: never part of a diff by themselves.
    outputs: frozenset[str]

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Return the inputs with defaults filled in, and what is wrong with them."""
        ...

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Make or adopt it; return its id and whole state (inputs and outputs)."""
        ...

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Return the whole state as it really is, or ``None`` when it is gone."""
        ...

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Make it match ``inputs``; return its whole new state."""
        ...

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Remove it; succeed when it is already gone."""
        ...


@runtime_checkable
class Settling(Protocol):
    """A handler whose resource can be other than declared in ways that no input shows (it failed, it does not run)."""

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """Return the outputs that a plain ``up`` shall mend: each is shown as a change, and ``update`` is called."""
        ...


@runtime_checkable
class Labelling(Protocol):
    """A handler that knows which changes break what depends on its resource. They are made in place all the same."""

    def breaking(self, changes: Changes) -> list[str]:
        """Return the paths among the changes that are breaking: the preview says so."""
        ...


@runtime_checkable
class Foreseeing(Protocol):
    """A handler that can say at a preview more than which properties change."""

    def foresee(self, inputs: dict[str, Any], ctx: Context) -> None:
        """Tell what creating or updating it so would do. Changes nothing, and works while its service is down."""
        ...
