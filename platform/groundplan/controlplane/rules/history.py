"""What the moves of an alias say: where it was at an instant, and what it goes back to. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

Move = Mapping[str, Any]


def at(moves: Sequence[Move], instant: datetime) -> Move | None:
    """Return the move that an alias still stood at then, None when it pointed to nothing. Oldest first."""
    past = [move for move in moves if move["at"] <= instant]
    return past[-1] if past and past[-1]["to_version"] is not None else None


def earlier(moves: Sequence[Move]) -> list[int]:
    """Return the versions that an alias goes back to, one rollback after the other.

    What was rolled back does not come again: after 1, 2, 3 and a rollback to 2, the next one leads to 1.
    """
    stack: list[int] = []
    for move in moves:
        to = move["to_version"]
        if to is None:
            stack = []
        elif move["cause"] == "rollback" and to in stack[:-1]:
            below = stack[:-1]
            stack = below[: len(below) - below[::-1].index(to)]
        elif move["cause"] == "same_pair":
            stack = [*stack[:-1], to]
        else:
            stack.append(to)
    return stack[-2::-1]
