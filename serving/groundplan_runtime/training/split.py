"""Splits in time order: the last weeks before ``as_of`` are held out, folds roll towards them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from groundplan_runtime.errors import RuntimeProblem


def before(frame: Any, timestamp: str, as_of: Any) -> Any:
    """Return the rows before ``as_of``, in time order."""
    return frame[frame[timestamp] < as_of].reset_index(drop=True)


def holdout(frame: Any, timestamp: str, as_of: Any, length: timedelta) -> tuple[Any, Any]:
    """Return (rows to train on, rows held out); RuntimeProblem when either is empty."""
    cut = as_of - length
    train, held = frame[frame[timestamp] < cut], frame[frame[timestamp] >= cut]
    for part, what in ((train, "to train on"), (held, "to hold out")):
        if part.empty:
            raise RuntimeProblem(
                f"no examples {what}", path="validation.holdout", value=f"{length.days} days before {as_of}"
            )
    return train, held


def folds(train: Any, timestamp: str, end: Any, length: timedelta, count: int) -> Iterator[tuple[Any, Any]]:
    """Yield (rows before a window, rows in it) for ``count`` windows of the hold-out's length that lead up to ``end``.

    RuntimeProblem when the data does not reach back that far.
    """
    for number in range(count, 0, -1):
        start, stop = end - number * length, end - (number - 1) * length
        past = train[train[timestamp] < start]
        window = train[(train[timestamp] >= start) & (train[timestamp] < stop)]
        if past.empty or window.empty:
            fix = "fewer folds, or a shorter holdout"
            raise RuntimeProblem("not enough examples", path="validation.folds", value=count, fix=fix)
        yield past, window
