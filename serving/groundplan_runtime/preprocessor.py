"""The preprocessor half of a pair: impute, encode, scale. Fitted on training rows only; kept as plain JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

from groundplan_runtime import frames
from groundplan_runtime.block import Block
from groundplan_runtime.errors import RuntimeProblem

MOST_CATEGORIES = 500


@dataclass
class Preprocessor:
    """What was learned: a fill a numeric column, the known categories, and mean and deviation where scaled."""

    numeric: list[str]
    categories: dict[str, list[str]]
    fills: dict[str, float] = field(default_factory=dict)
    scales: dict[str, tuple[float, float]] = field(default_factory=dict)

    @classmethod
    def fit(
        cls, frame: Any, features: Sequence[str], categorical: Sequence[str], impute: str, scale: bool
    ) -> "Preprocessor":
        """Learn from a frame in normal form. RuntimeProblem for text that is not categorical."""
        numeric = [name for name in features if name not in categorical]
        text = [name for name in numeric if frame[name].dtype == object]
        if text:
            fix = "add it to preprocessor.categorical, or leave it out of the feature service"
            raise RuntimeProblem(
                "a text feature is not categorical", path="preprocessor", value=", ".join(text), fix=fix
            )
        made = cls(numeric, {name: _categories(frame[name], name) for name in categorical})
        made.fills = {name: _fill(frame[name], impute) for name in numeric}
        if scale:
            filled = frame[numeric].fillna(made.fills)
            made.scales = {name: (float(filled[name].mean()), float(filled[name].std() or 1.0)) for name in numeric}
        return made

    @classmethod
    def from_dict(cls, document: dict[str, Any]) -> "Preprocessor":
        """Rebuild one from :meth:`as_dict`."""
        return cls(**document)

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON holds it."""
        return asdict(self)

    @property
    def inputs(self) -> list[str]:
        """The columns it needs."""
        return [*self.numeric, *self.categories]

    def transform(self, columns: Any) -> Any:
        """Return the model's matrix (float64); unseen categories are all zeros. RuntimeProblem for a missing column."""
        import pandas as pd

        self._need(columns)
        wanted = columns[self.inputs] if isinstance(columns, pd.DataFrame) else {n: columns[n] for n in self.inputs}
        frame = frames.normal(wanted)
        texts = {name: _as_text(frame[name]).tolist() for name in self.categories}
        return pd.DataFrame(self._matrix(frame[self.numeric].to_numpy(dtype="float64"), texts), columns=self.outputs)

    def transform_block(self, block: Block) -> Any:
        """Return the same matrix for a block of features, as an array of shape (rows, columns)."""
        numbers = block.numbers[:, self._places(block.names)]
        texts = {name: _of_block(block, name) for name in self.categories}
        return self._matrix(numbers, texts)

    def _places(self, names: tuple[str, ...]) -> list[int]:
        """Return where a block's numbers hold the numeric columns. Blocks come alike: the last is kept."""
        known: tuple[tuple[str, ...], list[int]] | None = self.__dict__.get("_last")
        if known is None or known[0] != names:
            self._need([*names, *self.categories])
            known = self.__dict__["_last"] = names, [names.index(name) for name in self.numeric]
        return known[1]

    def _need(self, columns: Any) -> None:
        missing = [name for name in self.inputs if name not in columns]
        if missing:
            raise _missing(missing)

    def _matrix(self, numbers: Any, texts: Mapping[str, Sequence[str | None]]) -> Any:
        """Impute, scale, encode: ``numbers`` is (rows, numeric columns), ``texts`` has a value a row."""
        import numpy as np

        learned = self._learned
        made = np.zeros((len(numbers), learned.columns))
        filled = np.where(np.isnan(numbers), learned.fills, numbers)
        if self.scales:
            filled = (filled - learned.means) / learned.deviations
        made[:, : len(self.numeric)] = filled
        for name, columns in learned.places.items():
            found = np.array([columns.get(value, -1) for value in texts[name]], dtype="int64")
            rows = np.flatnonzero(found >= 0)
            made[rows, found[rows]] = 1.0
        return made

    @cached_property
    def _learned(self) -> "_Learned":
        """What was learned, as arrays. Asked for when fitting is over."""
        import numpy as np

        places, start = {}, len(self.numeric)
        for name, values in self.categories.items():
            places[name] = {value: start + position for position, value in enumerate(values)}
            start += len(values)
        scaled = self.numeric if self.scales else []
        means, deviations = (np.array([self.scales[name][at] for name in scaled]) for at in (0, 1))
        return _Learned(start, np.array([self.fills[name] for name in self.numeric]), means, deviations, places)

    @property
    def outputs(self) -> list[str]:
        """The columns of the matrix it makes."""
        return [*self.numeric, *(f"{name}={value}" for name, values in self.categories.items() for value in values)]


@dataclass(frozen=True)
class _Learned:
    """Arrays by numeric column; of each category, by value, the column that is 1 for it."""

    columns: int
    fills: Any
    means: Any
    deviations: Any
    places: Mapping[str, Mapping[Any, int]]


def _of_block(block: Block, name: str) -> Sequence[str | None]:
    """Return a block's column as text: a number is written as :func:`_as_text` does."""
    if name in block.texts:
        return block.texts[name]
    if name not in block.names:
        raise _missing([name])
    return [None if value != value else f"{value:g}" for value in block.numbers[:, block.names.index(name)].tolist()]


def _missing(names: Sequence[str]) -> RuntimeProblem:
    return RuntimeProblem("missing column", path="preprocessor", value=", ".join(names))


def _as_text(column: Any) -> Any:
    if column.dtype == object:
        return column
    return column.map(lambda value: None if value != value else f"{value:g}")


def _categories(column: Any, name: str) -> list[str]:
    found = sorted(_as_text(column).dropna().unique())
    if len(found) > MOST_CATEGORIES:
        raise RuntimeProblem("too many categories", path=name, value=len(found), allowed=f"up to {MOST_CATEGORIES}")
    return found


def _fill(column: Any, how: str) -> float:
    known = {"median": column.median, "mean": column.mean, "zero": lambda: 0.0}
    if how not in known:
        raise RuntimeProblem("unknown way to impute", path="preprocessor.impute", value=how, allowed=", ".join(known))
    value = float(known[how]())
    return value if value == value else 0.0
