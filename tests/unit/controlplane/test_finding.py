"""Finding models: every filter, every order, pages that neither repeat nor skip."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.controlplane.catalogue.finding import Wanted, find
from groundplan.controlplane.problem import ApiProblem


def line(name: str, **known: Any) -> dict[str, Any]:
    """A model as a list shows it."""
    first = {"project": "p", "name": name, "description": "", "owner": "ana@example.org", "team": "core", "tags": {}}
    rest = {"kind": "linear", "features": [], "stage": None, "stages": {}, "metrics": {}, "trained_at": None}
    return {**first, **rest, **known}


DELAY = line("delay", description="Minutes late", tags={"domain": "air"}, features=["route__mean", "weather__temp"],
             metrics={"mae": 9.5, "r2": 0.4}, stage="production", stages={"production": 1, "retired": 2},
             trained_at="2026-01-02")  # fmt: skip
FRAUD = line("fraud", owner="ben@example.org", team="risk", metrics={"mae": 30.0}, stage="draft", stages={"draft": 1},
             trained_at="2026-01-01")  # fmt: skip
CHURN = line("churn", project="shop", description="<b>who leaves</b>", tags={"domain": "sales"})
ALL = [DELAY, FRAUD, CHURN]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({}, ["churn", "delay", "fraud"]),
        ({"q": "LATE minutes"}, ["delay"]),
        ({"q": "p/fraud"}, ["fraud"]),
        ({"q": "domain=sales"}, ["churn"]),
        ({"q": "weather"}, ["delay"]),
        ({"q": "late nobody"}, []),
        ({"owner": "Ben@example.org"}, ["fraud"]),
        ({"owner": "core"}, ["churn", "delay"]),
        ({"feature": "route__mean"}, ["delay"]),
        ({"feature": "weather"}, ["delay"]),
        ({"feature": "temp"}, ["delay"]),
        ({"feature": "tem"}, []),
        ({"tag": "domain"}, ["churn", "delay"]),
        ({"tag": "domain=air"}, ["delay"]),
        ({"metrics": ("mae<20",)}, ["delay"]),
        ({"metrics": ("mae>=9.5", "r2 > 0.3")}, ["delay"]),
        ({"metrics": ("mae>1e1",)}, ["fraud"]),
        ({"metrics": ("rmse>0",)}, []),
        ({"stage": "retired"}, ["delay"]),
        ({"sort": "-name"}, ["fraud", "delay", "churn"]),
        ({"sort": "mae"}, ["delay", "fraud", "churn"]),
        ({"sort": "-mae"}, ["fraud", "delay", "churn"]),
        ({"sort": "-trained"}, ["delay", "fraud", "churn"]),
        ({"sort": "stage"}, ["fraud", "delay", "churn"]),
    ],
)
def test_filters_and_orders(wanted: dict[str, Any], names: list[str]) -> None:
    found = find(ALL, Wanted(**wanted), 50)
    assert [each["name"] for each in found["models"]] == names
    assert (found["count"], found["next"]) == (len(names), None)


@pytest.mark.parametrize(
    ("wanted", "cursor", "path"),
    [
        ({"metrics": ("mae<",)}, None, "metric"),
        ({"metrics": ("mae<1;drop",)}, None, "metric"),
        ({"metrics": ("<3",)}, None, "metric"),
        ({"stage": "live"}, None, "stage"),
        ({"sort": "mae; drop"}, None, "sort"),
        ({}, "nonsense", "cursor"),
        ({}, "WyJuYW1lIiwgMCwgMSwgInAiLCAieCJd", "cursor"),  # ["name", 0, 1, "p", "x"]: a number where words are
        ({"sort": "mae"}, "WyJuYW1lIiwgMCwgImEiLCAicCIsICJ4Il0", "cursor"),  # of another order
    ],
)
def test_what_is_no_filter_is_one_clear_line(wanted: dict[str, Any], cursor: str | None, path: str) -> None:
    with pytest.raises(ApiProblem) as refused:
        find(ALL, Wanted(**wanted), 50, cursor)
    assert (refused.value.status, refused.value.parts["path"]) == (422, path)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, 1.0, 2.0, -3.5])), max_size=12),
    st.sampled_from(["name", "-name", "mae", "-mae", "owner", "-trained"]),
    st.integers(1, 5),
)
def test_pages_neither_repeat_nor_skip(given_lines: list[tuple[str, float | None]], sort: str, limit: int) -> None:
    lines = [
        line(f"m{number}", project=project, owner=project, metrics={} if mae is None else {"mae": mae})
        for number, (project, mae) in enumerate(given_lines)
    ]
    whole = find(lines, Wanted(sort=sort), 500)["models"]
    paged, cursor = [], None
    while True:
        found = find(lines, Wanted(sort=sort), limit, cursor)
        paged += found["models"]
        cursor = found["next"]
        if cursor is None:
            break
    assert paged == whole
