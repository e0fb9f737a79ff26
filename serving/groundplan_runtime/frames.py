"""The one form in which features enter a preprocessor, in training and serving: text is text, all else float64."""

from collections.abc import Sequence
from typing import Any


def normal(columns: Any) -> Any:
    """Return columns (a DataFrame, or lists by name) as a DataFrame in that form; ``None`` is NaN, instants seconds."""
    import pandas as pd

    return pd.DataFrame({name: _column(columns[name]) for name in columns})


def _column(values: Sequence[Any] | Any) -> Any:
    import pandas as pd

    series = pd.Series(values)
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return (series - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    if series.dtype != object:
        return series if isinstance(series.dtype, pd.StringDtype) else series.astype("float64")
    if any(isinstance(value, str) for value in series):
        return series
    return pd.to_numeric(series).astype("float64")
