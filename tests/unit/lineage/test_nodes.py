"""Naming what one asks about."""

import pytest

from groundplan.errors import GroundplanError
from groundplan.lineage import Point, find_point

NODES = {
    "flights/project/flights": [],
    "flights/entity/origin": ["origin"],
    "flights/data_source/weather": ["origin", "temp"],
    "flights/feature_view/origin_weather": ["origin", "temp"],
    "flights/materialization/origin_weather": ["origin", "temp"],
    "flights/model/delay": ["prediction"],
    "flights/alias/delay@production": ["prediction"],
    "flights/serving_application/delay": ["prediction"],
    "trains/feature_view/load": ["temp"],
    "flights/feature_view/load": ["seats"],
}


@pytest.mark.parametrize(
    ("text", "node", "column"),
    [
        ("features/origin_weather", "flights/feature_view/origin_weather", None),
        ("flights/features/origin_weather", "flights/feature_view/origin_weather", None),
        ("flights/feature_view/origin_weather", "flights/feature_view/origin_weather", None),
        ("origin_weather", "flights/feature_view/origin_weather", None),
        ("origin_weather.temp", "flights/feature_view/origin_weather", "temp"),
        ("features/origin_weather.temp", "flights/feature_view/origin_weather", "temp"),
        ("weather.temp", "flights/data_source/weather", "temp"),
        ("sources/weather", "flights/data_source/weather", None),
        ("entities/origin", "flights/entity/origin", None),
        ("delay", "flights/model/delay", None),
        ("endpoints/delay", "flights/serving_application/delay", None),
        ("delay@production", "flights/alias/delay@production", None),
        ("load.seats", "flights/feature_view/load", "seats"),
        (" trains/load ", "trains/feature_view/load", None),
    ],
)
def test_people_name_things_as_they_are_used_to(text: str, node: str, column: str | None) -> None:
    assert find_point(text, NODES) == Point(node, column)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("features/weather", "did you mean flights/feature_view/origin_weather?"),
        ("features/origin_wether", "did you mean flights/feature_view/origin_weather?"),
        ("weather.tmp", "allowed: origin, temp"),
        ("load", "allowed: flights/feature_view/load, trains/feature_view/load"),
        ("zzz", "there is: "),
        ("", "features/<view>"),
        ("a/b/c/d", "<project>/<kind>/<name>"),
        (".temp", "allowed"),
    ],
)
def test_what_is_nothing_is_told_with_what_is_near(text: str, told: str) -> None:
    with pytest.raises(GroundplanError) as error:
        find_point(text, NODES)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
