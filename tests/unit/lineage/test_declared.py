"""The graph of the example project: what its own SQL says."""

from pathlib import Path

import pytest

from groundplan.cli._lineage import known_of, point_of
from groundplan.compose import load
from groundplan.lineage import Known, declared_graph, impact_of_declared
from groundplan.plan import build_plan

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def flights() -> Known:
    stack, projects = load(ROOT, "local")
    return known_of(build_plan(stack, projects), projects)


def test_weather_does_not_touch_the_delays(flights: Known) -> None:
    found = impact_of_declared(point_of("weather.visib", flights), flights)
    assert found.touched["feature_views"] == ("flights/feature_view/origin_weather",)
    assert found.touched["applications"] == ("flights/serving_application/delay",)
    assert found.training == {"flights/model/delay": "on_change"}
    assert found.teams == {"core": {"owners": ["flights@example.org"], "projects": ["flights"]}}


def test_every_view_in_sql_is_followed_by_its_columns(flights: Known) -> None:
    graph = declared_graph(flights)
    in_sql = {id for id, each in flights.by_id.items() if each.kind == "feature_view" and each.properties.get("sql")}
    assert in_sql <= graph.columns.keys()
    assert graph.upstream("flights/feature_view/origin_weather", "precip_6h") == {
        "flights/data_source/weather": {"origin", "precip", "time_hour"},
        "flights/entity/origin": {"origin"},
    }


def test_the_column_that_is_no_feature_touches_no_model(flights: Known) -> None:
    service = flights.by_id["flights/feature_service/hourly_delay"]
    unused = {
        f"{view}.{field}"
        for view, each in ((id.split("/")[2], flights.by_id[id]) for id in flights.by_id if "/feature_view/" in id)
        for field in each.properties["fields"]
        if field not in service.properties["views"].get(view, ())
    }
    for name in sorted(unused):
        assert impact_of_declared(point_of(name, flights), flights).touched["models"] == ()
