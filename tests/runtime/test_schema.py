"""Tables are cast to what is declared, or refused with the column's name."""

import datetime as dt

import pyarrow as pa
import pytest

from groundplan_runtime import schema
from groundplan_runtime.errors import RuntimeProblem

FIELDS = {"key": "string", "at": "timestamp", "n": "int64", "x": "float64"}


def _table(**columns: list[object]) -> pa.Table:
    whole: dict[str, list[object]] = {"key": ["a"], "at": [dt.datetime(2013, 1, 1)], "n": [1], "x": [0.5]}
    return pa.table(whole | columns)


def test_naive_and_foreign_times_become_microseconds_utc() -> None:
    new_york = dt.timezone(dt.timedelta(hours=-5))
    for given in (dt.datetime(2013, 1, 1, 15), dt.datetime(2013, 1, 1, 10, tzinfo=new_york), "2013-01-01T15:00:00Z"):
        found = schema.cast(_table(at=[given]), FIELDS, "fields")["at"]
        assert found.type == pa.timestamp("us", tz="UTC")
        assert found[0].as_py() == dt.datetime(2013, 1, 1, 15, tzinfo=dt.UTC)


def test_nanoseconds_are_cut() -> None:
    table = _table().set_column(1, "at", pa.array([1_000_000_001], pa.timestamp("ns", tz="UTC")))
    assert schema.cast(table, FIELDS, "fields")["at"].cast(pa.int64()).to_pylist() == [1_000_000]


def test_what_is_not_finite_is_null_and_order_is_as_declared() -> None:
    found = schema.cast(_table(x=[float("nan")]).select(["x", "n", "at", "key"]), FIELDS, "fields")
    assert found["x"].null_count == 1
    assert found.column_names == list(FIELDS)
    assert schema.cast(_table(x=[float("inf")]), FIELDS, "fields")["x"].null_count == 1


@pytest.mark.parametrize(
    ("columns", "word"), [({"n": [1.5]}, r"view\.n"), ({"at": [3]}, r"view\.at"), ({"x": ["no"]}, r"view\.x")]
)
def test_a_column_that_does_not_fit_is_named(columns: dict[str, list[object]], word: str) -> None:
    with pytest.raises(RuntimeProblem, match=word) as caught:
        schema.cast(_table(**columns), FIELDS, "view")
    assert "\n" not in str(caught.value)


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(RuntimeProblem, match="no such column; got x; allowed: key, at, n"):
        schema.cast(_table().drop_columns(["x"]), FIELDS, "view")
