"""The point-in-time join against expectations written by hand: nothing later, nothing too old, rows in their order."""

import time

import numpy as np
import pandas as pd
import pyarrow as pa

from groundplan_runtime import pointintime


def _at(text: str) -> pd.Timestamp:
    return pd.Timestamp(f"2013-01-01 {text}", tz="UTC")


ROWS = pd.DataFrame(
    [("JFK", _at("10:00"), 1.0), ("JFK", _at("11:00"), 2.0), ("JFK", _at("15:00"), 9.0), ("EWR", _at("10:00"), 5.0)],
    columns=["origin", "known_from", "temp"],
)


def _weather(ttl: float | None) -> pointintime.View:
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    return pointintime.View("weather", table, {"origin": "origin"}, "known_from", ttl, {"temp": "weather__temp"})


def _joined(examples: list[tuple[str, str]], ttl: float | None) -> list[float | None]:
    frame = pd.DataFrame([(o, _at(t)) for o, t in examples], columns=["origin", "event_timestamp"])
    table = pa.Table.from_pandas(frame, preserve_index=False)
    return pointintime.join(table, "event_timestamp", [_weather(ttl)])["weather__temp"].to_pylist()


def test_the_newest_row_that_was_known_and_not_too_old() -> None:
    examples = {
        ("JFK", "14:59"): None,  # 11:00 is more than three hours ago, 15:00 not yet known
        ("JFK", "09:59"): None,  # nothing known yet
        ("JFK", "10:00"): 1.0,  # known from that moment on
        ("JFK", "10:59"): 1.0,
        ("JFK", "14:00"): 2.0,  # exactly three hours: still used
        ("EWR", "12:00"): 5.0,
        ("LGA", "12:00"): None,  # an entity that nobody knows
        ("JFK", "23:00"): None,
    }
    assert _joined(list(examples), ttl=3 * 3600) == list(examples.values())


def test_without_ttl_the_newest_row_whatever_its_age() -> None:
    assert _joined([("JFK", "23:00"), ("EWR", "23:00")], ttl=None) == [9.0, 5.0]


def test_the_newest_rows_of_a_window_are_what_history_answers_at_its_end() -> None:
    table = pa.Table.from_pandas(ROWS, preserve_index=False)
    newest = pointintime.latest(table, ["origin"], "known_from", _at("10:00"), _at("13:00")).to_pandas()
    assert dict(zip(newest.origin, newest.temp, strict=True)) == {"JFK": 2.0, "EWR": 5.0}
    assert _joined([("JFK", "13:00"), ("EWR", "13:00")], ttl=3 * 3600) == [2.0, 5.0]


def test_a_hundred_thousand_examples_take_seconds() -> None:
    hours = pd.date_range("2013-01-01", periods=8760, freq="h", tz="UTC")
    rows = pd.concat(
        [pd.DataFrame({"origin": o, "known_from": hours, "temp": np.arange(8760.0)}) for o in ("JFK", "EWR")]
    )
    view = pointintime.View(
        "v", pa.Table.from_pandas(rows, preserve_index=False), {"origin": "origin"}, "known_from", 3600, {"temp": "t"}
    )
    examples = pa.table({"origin": ["JFK", "EWR"] * 50_000, "event_timestamp": pa.array(list(hours[:5000]) * 20)})
    begun = time.monotonic()
    found = pointintime.join(examples, "event_timestamp", [view])
    assert time.monotonic() - begun < 20
    assert found["t"].to_pylist()[:3] == [0.0, 1.0, 2.0]
    assert found["t"].null_count == 0
