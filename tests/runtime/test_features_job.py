"""A view's rows are held against its declaration before anyone sees them."""

import datetime as dt

import pyarrow as pa
import pytest

from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.features import checked

NOW = dt.datetime(2013, 1, 1, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)


def _checked(**columns: list[object]) -> pa.Table:
    table = pa.table({"origin": ["JFK", "EWR"], "at": [NOW + HOUR, NOW], "temp": [1.0, 2.0]} | columns)
    return checked(table, {"origin": "string"}, "at", {"temp": "float64"}, "feature_views.weather")


def test_rows_come_out_in_time_order() -> None:
    assert _checked()["origin"].to_pylist() == ["EWR", "JFK"]


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({"more": [1, 2]}, "column is not declared; got more"),
        ({"origin": [None, "EWR"]}, r"feature_views\.weather\.origin: is null in some rows"),
        ({"at": [None, NOW]}, r"feature_views\.weather\.at: is null"),
        (
            {"origin": ["JFK", "JFK"], "at": [NOW, NOW]},
            "two rows of one entity at one time; got origin=JFK, at=2013-01-01",
        ),
        ({"origin": [], "at": pa.array([], pa.timestamp("us")), "temp": pa.array([], pa.float64())}, "has no rows"),
    ],
)
def test_what_is_not_as_declared_is_one_line(columns: dict[str, list[object]], line: str) -> None:
    with pytest.raises(RuntimeProblem, match=line):
        _checked(**columns)


def test_features_that_are_instants_come_in_whole_seconds_as_the_online_store_keeps_them() -> None:
    late = NOW - dt.timedelta(days=365 * 50, microseconds=1)  # before 1970: cut down, not towards it
    table = pa.table({"origin": ["JFK", "EWR"], "at": [NOW + dt.timedelta(microseconds=5)] * 2, "seen": [late, None]})
    found = checked(table, {"origin": "string"}, "at", {"seen": "timestamp"}, "feature_views.weather")
    assert dict(zip(found["origin"].to_pylist(), found["seen"].to_pylist(), strict=True)) == {
        "JFK": late.replace(microsecond=0),
        "EWR": None,
    }
    assert found["at"][0].as_py().microsecond == 5
