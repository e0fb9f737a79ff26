"""The one form in which features enter a preprocessor, in training and serving: text is text, all else float64."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any


def normal(columns: Any) -> Any:
    """Return columns (a DataFrame, or lists by name) as a DataFrame in that form; ``None`` is NaN, instants seconds."""
    import pandas as pd

    if isinstance(columns, pd.DataFrame):
        other = [name for name, dtype in columns.dtypes.items() if dtype != "float64"]
        return columns.assign(**{name: _of_series(columns[name]) for name in other})
    return pd.DataFrame({name: _of_list(values) for name, values in columns.items()})


def _of_list(values: Sequence[Any]) -> Any:
    import numpy as np

    if any(isinstance(value, str) for value in values):
        return np.array(values, dtype=object)
    return np.array([_number(value) for value in values], dtype="float64")


def _number(value: Any) -> float:
    if value is None:
        return float("nan")
    return value.timestamp() if isinstance(value, datetime) else float(value)


def _of_series(series: Any) -> Any:
    import pandas as pd

    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return (series - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    if series.dtype != object:
        return series if isinstance(series.dtype, pd.StringDtype) else series.astype("float64")
    if any(isinstance(value, str) for value in series):
        return series
    return pd.to_numeric(series).astype("float64")
