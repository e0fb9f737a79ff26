"""The pure part of the test provider: a wrong judge would pass wrong programs."""

import base64

import pytest
from tests.support.kubeprovider.objects import MISSING, actual, desired, replacing

from groundplan.provider.diff import diff

DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}


def test_desired_leaves_out_what_the_api_server_must_not_see() -> None:
    given = {**DEPLOYMENT, "__inputs": 1, "spec": {"replicas": None, "paused": False}, "status": None}
    assert desired(given) == {**DEPLOYMENT, "spec": {"paused": False}}


def test_text_of_a_secret_becomes_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "eA=="}, "stringData": {"b": "ü"}}
    assert desired(secret)["data"] == {"a": "eA==", "b": base64.b64encode("ü".encode()).decode()}
    assert "stringData" not in desired(secret)


def test_what_the_api_server_rewrites_is_no_difference() -> None:
    declared = {"cpu": "1000m", "list": [{"name": "a"}]}
    ideal = {"cpu": "1", "list": [{"name": "a", "defaulted": True}], "other": 1}
    assert actual(declared, ideal, ideal) == declared


@pytest.mark.parametrize(
    ("live", "found"),
    [
        ({"cpu": "2", "env": [1, 2]}, {"cpu": "2", "env": [1, 2]}),
        ({"env": [1, 2]}, {"env": [1, 2]}),
        ({"cpu": "1", "env": [1]}, {"cpu": "1000m", "env": [1]}),
        ({"cpu": "1", "env": [1, 3], "added": 1}, {"cpu": "1000m", "env": [1, 3]}),
    ],
)
def test_what_someone_changed_is_one(live: dict, found: dict) -> None:
    assert actual({"cpu": "1000m", "env": [1, 2]}, live, {"cpu": "1", "env": [1, 2]}) == found


def test_a_field_taken_away_is_missing() -> None:
    assert actual("x", MISSING, "x") is MISSING


@pytest.mark.parametrize(
    ("kind", "version", "old", "new", "anew"),
    [
        ("Deployment", "apps/v1", {"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, []),
        (
            "Deployment",
            "apps/v1",
            {"spec": {"selector": {"a": 1}}},
            {"spec": {"selector": {"a": 2}}},
            ["spec.selector.a"],
        ),
        ("Job", "batch/v1", {"spec": {"template": {"x": 1}}}, {"spec": {"template": {"x": 2}}}, ["spec.template.x"]),
        ("Job", "batch/v1", {"spec": {"templates": 1}}, {"spec": {"templates": 2}}, []),
        ("ConfigMap", "v1", {"data": {"a": "1"}}, {"data": {"a": "2"}}, ["data.a"]),
        ("Basket", "shop.test/v1", {"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}, ["metadata.name"]),
    ],
)
def test_which_changes_make_a_new_object(kind: str, version: str, old: dict, new: dict, anew: list[str]) -> None:
    head = {"apiVersion": version, "kind": kind}
    assert replacing(head | new, diff(head | old, head | new, ()), {}) == anew


def test_an_option_lets_configuration_change_in_place() -> None:
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    changes = diff(head | {"data": {"a": "1"}}, head | {"data": {"a": "2"}}, ())
    assert replacing(head, changes, {"enableConfigMapMutable": "true"}) == []
