"""The examples of docs/features.md, run as they stand."""

import re
from pathlib import Path

import pandas as pd

from groundplan_runtime import retrieval

PAGE = Path(__file__).resolve().parents[2] / "docs" / "features.md"
NOON = pd.Timestamp("2013-06-25 12:00", tz="UTC")


def test_the_examples_run() -> None:
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    keys = {"origin": ["JFK"], "carrier": ["AA"]}
    known = {
        "examples": pd.DataFrame(keys | {"event_timestamp": [NOON]}),
        "route_delay": pd.DataFrame(keys | {"event_timestamp": [NOON], "mean_delay_24h": [7.5]}),
    }
    names = {"route_delay": ["mean_delay_24h"]}
    memory = retrieval.InMemory(
        {"route_delay": known["route_delay"]}, {"route_delay": ["origin", "carrier"]}, {"hourly_delay": names}
    )
    with retrieval.using(past=lambda _: memory, present=lambda _: memory):
        exec(first, known)
    assert known["frame"]["route_delay__mean_delay_24h"].tolist() == [7.5]
    assert known["columns"]["route_delay__mean_delay_24h"] == [7.5]
    del known["columns"]
    exec(second, known)
    assert known["columns"]["route_delay__mean_delay_24h"] == [7.5]
