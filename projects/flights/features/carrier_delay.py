"""Delays of a carrier over all three airports: the same rule as the SQL views, in Python for what SQL says less well."""

import pandas as pd

HOUR = pd.Timedelta(hours=1)


def build(inputs: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row a carrier and hour, holding only departures that had happened before that hour."""
    flights = inputs["flights"]
    hours = pd.date_range(flights["time_hour"].min(), flights["time_hour"].max(), freq=HOUR)
    frames = [_carrier(carrier, departures, hours) for carrier, departures in _departures(flights).groupby("carrier")]
    return pd.concat(frames, ignore_index=True)


def _departures(flights: pd.DataFrame) -> pd.DataFrame:
    gone = flights.dropna(subset=["dep_delay"])
    left = gone["time_hour"] + pd.to_timedelta(gone["minute"] + gone["dep_delay"], unit="min")
    frame = pd.DataFrame({"carrier": gone["carrier"], "delay": gone["dep_delay"].astype("float64")})
    frame["event_timestamp"] = left.dt.floor("h") + HOUR  # known once the aircraft has left: from the next full hour
    return frame


def _carrier(carrier: str, departures: pd.DataFrame, hours: pd.DatetimeIndex) -> pd.DataFrame:
    by_hour = departures.groupby("event_timestamp")["delay"].agg(["sum", "count"]).reindex(hours, fill_value=0)
    short, day = by_hour.rolling(3, min_periods=1).sum(), by_hour.rolling(24, min_periods=1).sum()
    recent = by_hour.ewm(halflife=2).mean()  # weighs the last hours most, and forgets
    frame = pd.DataFrame({"carrier": carrier, "event_timestamp": hours})
    frame["mean_delay_3h"] = (short["sum"] / short["count"]).to_numpy()
    frame["mean_delay_24h"] = (day["sum"] / day["count"]).to_numpy()
    frame["recent_delay"] = (recent["sum"] / recent["count"]).to_numpy()
    frame["departed_24h"] = day["count"].astype("int64").to_numpy()
    return frame[frame["departed_24h"] > 0]
