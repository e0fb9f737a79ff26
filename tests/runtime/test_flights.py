"""The example project on its real data: features know nothing of what has not happened, whatever happens later."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
import yaml

from groundplan_runtime import project_code, schema, sql
from groundplan_runtime.jobs.features import checked
from groundplan_runtime.jobs.ingest import _parse, as_table, package_file

PROJECT = Path(__file__).resolve().parents[2] / "projects" / "flights"
NOW = pd.Timestamp("2013-06-25 22:00", tz="UTC")  # an afternoon of thunderstorms
FROM = NOW - pd.Timedelta("10d")


def _declared(group: str) -> dict[str, Any]:
    files = sorted((PROJECT / group).glob("*.yaml"))
    return {name: each for file in files for name, each in yaml.safe_load(file.read_text()).items()}


VIEWS, SOURCES, ENTITIES = _declared("feature_views"), _declared("data_sources"), _declared("entities")


@pytest.fixture(scope="module")
def raw() -> dict[str, pd.DataFrame]:
    """Both sources, ten days before NOW and one after."""
    found = {}
    for name, source in SOURCES.items():
        path = package_file(source["package"], source["file"])
        table = schema.cast(_parse(path.name, path.read_bytes(), source["fields"], name), source["fields"], name)
        frame = table.to_pandas()
        found[name] = frame[(frame.time_hour >= FROM) & (frame.time_hour < NOW + pd.Timedelta("1d"))]
    return found


def _built(view: str, raw: dict[str, pd.DataFrame]) -> pd.DataFrame:
    given = VIEWS[view]
    tables = {name: pa.Table.from_pandas(raw[name], preserve_index=False) for name in given["inputs"]}
    tables = {name: schema.cast(table, SOURCES[name]["fields"], name) for name, table in tables.items()}
    if "sql" in given:
        made = sql.run((PROJECT / given["sql"]).read_text(), tables, given["sql"])
    else:
        frames = {name: table.to_pandas() for name, table in tables.items()}
        made = as_table(project_code.function(PROJECT, given["python"])(frames), view)
    keys = {name: ENTITIES[name]["type"] for name in given["entities"]}
    return checked(made, keys, given["timestamp"], given["fields"], view).to_pandas()


def _leaves(flights: pd.DataFrame) -> pd.Series:
    return flights.time_hour + pd.to_timedelta(flights.minute + flights.dep_delay, unit="min")


def _another_future(raw: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """The same past, but every flight that has not left at NOW leaves at another time, and the weather turns."""
    flights, weather = raw["flights"].copy(), raw["weather"].copy()
    waiting = ~(_leaves(flights) < NOW)
    due = flights.time_hour + pd.to_timedelta(flights.minute, unit="min")
    flights.loc[waiting, "dep_delay"] = 700.0 + ((NOW - due[waiting]).dt.total_seconds() / 60).clip(lower=0)
    weather.loc[weather.time_hour >= NOW, ["temp", "precip", "pressure", "visib", "wind_speed"]] = 999.0
    assert waiting.sum() > 500
    return {"flights": flights, "weather": weather}


@pytest.mark.parametrize("view", sorted(VIEWS))
def test_another_future_changes_no_feature(view: str, raw: dict[str, pd.DataFrame]) -> None:
    known: Callable[[pd.DataFrame], pd.DataFrame] = lambda f: f[f.event_timestamp <= NOW].reset_index(drop=True)  # noqa: E731
    ours, theirs = (_built(view, data) for data in (raw, _another_future(raw)))
    assert len(known(ours)) > 100
    pd.testing.assert_frame_equal(known(ours), known(theirs))
    assert not ours.equals(theirs)  # or the futures did not differ and nothing was tested


def test_the_naive_forecast_by_hand(raw: dict[str, pd.DataFrame]) -> None:
    """The mean over the last 24 hours in which the carrier left the airport."""
    flights = raw["flights"]
    ours = flights[(flights.origin == "JFK") & (flights.carrier == "AA")].dropna(subset=["dep_delay"])
    left = ours.assign(hour=_leaves(ours).dt.floor("h"))[_leaves(ours) < NOW]
    last = sorted(left.hour.unique())[-24:]
    expected = left[left.hour.isin(last)].dep_delay.mean()
    view = _built("route_delay", raw).set_index(["origin", "carrier", "event_timestamp"])
    assert view.loc[("JFK", "AA", NOW), "mean_delay_24h"] == pytest.approx(expected)


def test_who_waits_by_hand(raw: dict[str, pd.DataFrame]) -> None:
    """Due within the last six hours, and not gone at NOW: cancelled flights look the same."""
    flights = raw["flights"][raw["flights"].origin == "LGA"]
    due = flights.time_hour + pd.to_timedelta(flights.minute, unit="min")
    waiting = flights[(due < NOW) & (due >= NOW - pd.Timedelta("6h")) & ~(_leaves(flights) < NOW)]
    view = _built("origin_traffic", raw).set_index(["origin", "event_timestamp"])
    assert view.loc[("LGA", NOW), "waiting"] == len(waiting) > 5
    assert view.loc[("LGA", NOW), "local_hour"] == 18
    assert view.loc[("LGA", NOW), "weekday"] == 2
