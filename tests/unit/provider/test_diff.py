"""What differs, property by property."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundplan.provider.diff import Change, diff, head, join

ADD, DELETE, UPDATE = Change.ADD, Change.DELETE, Change.UPDATE
JSON = st.recursive(
    st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)


@pytest.mark.parametrize(
    ("state", "inputs", "changes"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 1.0}, {}),
        ({"a": 1}, {"a": True}, {"a": UPDATE}),
        ({"a": 1}, {"a": 2}, {"a": UPDATE}),
        ({}, {"a": 2}, {"a": ADD}),
        ({"a": 2}, {}, {"a": DELETE}),
        ({"a": None}, {}, {}),
        ({"a": {"b": None}}, {"a": {}}, {}),
        ({"h": {"x": 1, "y": 2}}, {"h": {"x": 1, "y": 3, "z": 4}}, {"h.y": UPDATE, "h.z": ADD}),
        ({"l": [1, 2, 3]}, {"l": [1, 5]}, {"l[1]": UPDATE, "l[2]": DELETE}),
        ({"l": [{"m": 1}]}, {"l": [{"m": 2}]}, {"l[0].m": UPDATE}),
        ({"u": {"p/view/x": "d1"}}, {"u": {"p/view/x": "d2"}}, {'u["p/view/x"]': UPDATE}),
        ({"a": {"b": 1}}, {"a": [1]}, {"a": UPDATE}),
    ],
)
def test_changes(state: dict[str, Any], inputs: dict[str, Any], changes: dict[str, Change]) -> None:
    assert diff(state, inputs, outputs=()) == changes


def test_outputs_take_no_part_unless_they_are_given() -> None:
    state = {"version": 7, "status": "ready", "kind": "xgboost"}
    assert diff(state, {"kind": "xgboost"}, outputs={"version", "status"}) == {}
    assert diff(state, {"kind": "xgboost", "version": 3}, outputs={"version", "status"}) == {"version": UPDATE}


@given(st.dictionaries(st.text(max_size=3), JSON), st.dictionaries(st.text(max_size=3), JSON))
def test_nothing_differs_from_itself_and_everything_else_does(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert diff(a, a, outputs=()) == {}
    forward, back = diff(a, b, outputs=()), diff(b, a, outputs=())
    assert forward.keys() == back.keys()
    assert {head(path) for path in forward} <= {*a, *b}


@pytest.mark.parametrize("key", ["plain", "with-dash", "a.b", 'quo"te', "back\\slash", "delay@production"])
def test_a_path_leads_back_to_its_property(key: str) -> None:
    assert head(join(join("", key), "below")) == key
