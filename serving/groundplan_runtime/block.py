"""Features as they go between the tiers: arrays, not frames."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Block:
    """The features of a request's entities, a row an entity, in the normal form of :mod:`groundplan_runtime.frames`.

    ``numbers`` is a float64 array of shape (``rows``, ``len(names)``): None is NaN, a bool 0 or 1, an instant seconds.
    ``texts`` holds text by column. ``times`` holds by view the event timestamp (unix seconds, shape (``rows``,)) of the
    row that the view answered with; NaN where it knows nothing of the entity.
    """

    rows: int
    names: tuple[str, ...]
    numbers: Any
    texts: dict[str, list[str | None]] = field(default_factory=dict)
    times: dict[str, Any] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """About how many bytes it has: arrays exactly, a text like a number."""
        return int(self.numbers.nbytes) + 8 * self.rows * (len(self.texts) + len(self.times))

    def columns(self) -> dict[str, Any]:
        """Return every column by name: float64 arrays of shape (``rows``,), and lists of text."""
        return {name: self.numbers[:, i] for i, name in enumerate(self.names)} | dict(self.texts)

    def take(self, rows: Any) -> "Block":
        """Return the rows at the positions ``rows`` (a sequence of int), in that order."""
        texts = {name: [values[i] for i in rows] for name, values in self.texts.items()}
        times = {view: values[rows] for view, values in self.times.items()}
        return Block(len(rows), self.names, self.numbers[rows], texts, times)
