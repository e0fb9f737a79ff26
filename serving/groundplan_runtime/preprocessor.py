"""The preprocessor half of a pair: impute, encode, scale. Fitted on training rows only; kept as plain JSON."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
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
        import numpy as np

        columns = block.columns()
        self._need(columns)
        numbers = np.empty((block.rows, len(self.numeric)))
        for position, name in enumerate(self.numeric):
            numbers[:, position] = columns[name]
        return self._matrix(numbers, {name: _texts(columns[name]) for name in self.categories})

    def _need(self, columns: Any) -> None:
        missing = [name for name in self.inputs if name not in columns]
        if missing:
            raise RuntimeProblem("missing column", path="preprocessor", value=", ".join(missing))

    def _matrix(self, numbers: Any, texts: Mapping[str, Sequence[str | None]]) -> Any:
        """Impute, scale, encode: ``numbers`` is (rows, numeric columns), ``texts`` has a value a row."""
        import numpy as np

        made = np.zeros((len(numbers), len(self.outputs)))
        filled = np.where(np.isnan(numbers), [self.fills[name] for name in self.numeric], numbers)
        if self.scales:
            means, deviations = zip(*(self.scales[name] for name in self.numeric), strict=True)
            filled = (filled - means) / deviations
        made[:, : len(self.numeric)] = filled
        start = len(self.numeric)
        for name, values in self.categories.items():
            places = {value: start + position for position, value in enumerate(values)}
            for row, value in enumerate(texts[name]):
                if value in places:
                    made[row, places[value]] = 1.0
            start += len(values)
        return made

    @property
    def outputs(self) -> list[str]:
        """The columns of the matrix it makes."""
        return [*self.numeric, *(f"{name}={value}" for name, values in self.categories.items() for value in values)]


def _texts(column: Any) -> Sequence[str | None]:
    """Return a block's column as text: a number is written as :func:`_as_text` does."""
    if isinstance(column, list):
        return column
    return [None if value != value else f"{value:g}" for value in column]


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
