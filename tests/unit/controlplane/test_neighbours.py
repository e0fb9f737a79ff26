"""A model's lineage as declared."""

from typing import Any

from groundplan.controlplane.rules.neighbours import neighbours
from groundplan.controlplane.store import Resource


def node(kind: str, name: str, *feeds: str, **given: Any) -> Resource:
    """A declared resource of project p."""
    return Resource("p", kind, name, "", "", given, dict.fromkeys((f"p/{feed}" for feed in feeds), "d"))


def test_from_the_raw_column_to_what_answers() -> None:
    model = node("model", "m", "feature_service/s", "data_source/raw")
    others = [
        model,
        node("entity", "e"),
        node("data_source", "raw"),
        node("data_source", "other"),
        node("feature_view", "v", "data_source/raw", "entity/e"),
        node("feature_view", "w", "data_source/other"),
        node("feature_service", "s", "feature_view/v"),
        node("model", "n", "data_source/raw"),
        node("alias", "m@production", model="m"),  # pinned: no digest of the model feeds it
        node("alias", "n@production", model="n"),
        node("serving_application", "a", model="m", traffic={"production": 100.0}, shadow=["latest"]),
        node("serving_application", "b", model="n", traffic={"production": 100.0}),
    ]
    found = neighbours(model, others)
    assert [each["id"] for each in found["nodes"]] == [
        "p/data_source/raw",
        "p/feature_view/v",
        "p/feature_service/s",
        "p/model/m",
        "p/alias/m@production",
        "p/serving_application/a",
    ]
    assert [
        edge for edge in found["edges"] if (edge[0] == "p/data_source/raw" and "model" in edge[1]) or "alias" in edge[0]
    ] == [["p/data_source/raw", "p/model/m"], ["p/alias/m@production", "p/serving_application/a"]]
    assert len(found["edges"]) == 6
