"""What may answer with personal data: every rule that reveals any × every role × with and without the attribute."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from groundplan.spec.access import INHERITS, RULES, Rule, allowed
from tests.runtime.gateway.conftest import Stage
from tests.runtime.gateway.test_matrix import path_of

#: `flights` holds some, and `delay` answers with it; `other` holds some, and nothing there does.
PERSONAL = {"flights": ("delay",), "other": ()}
HERE, THERE = "flights:personal_data", "other:personal_data"
NEAR = ("flights:personal_dat", "x*:personal_data", ".*:personal_data")
ATTRIBUTES = ((), (HERE,), (THERE,), (HERE, THERE), ("*:personal_data",), NEAR)
REVEALING = [rule for rule in RULES if rule.reveals]


@pytest.fixture(scope="module")
def personal(stage: Stage) -> Iterator[Stage]:
    """The gateway of a stack that holds personal data."""
    before = stage.settings
    assert stage.declare(replace(before, personal=PERSONAL)) is None
    yield stage
    assert stage.declare(before) is None


@pytest.mark.parametrize("rule", REVEALING, ids=lambda rule: rule.name)
@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda words: " ".join(words) or "none")
def test_the_attribute_is_needed_beside_the_role(personal: Stage, rule: Rule, attribute: tuple[str, ...]) -> None:
    needed = ("flights",) if rule.reveals in ("application", "project") else ("flights", "other")
    for role in INHERITS:
        roles = (f"*:{role}", *attribute)
        for method in rule.methods:
            answer = personal.ask(method, path_of(rule, "flights"), *roles, sub=f"{rule.name}-{'-'.join(roles)}")
            passes = allowed(rule, roles, "flights", needed)
            assert answer.status_code == (200 if passes else 403), f"{method} by {roles}: {answer.text}"
            assert bool(personal.reached()) == passes


def test_the_attribute_is_no_role(personal: Stage) -> None:
    for rule in REVEALING:
        answer = personal.ask(rule.methods[0], path_of(rule, "flights"), "*:personal_data")
        assert answer.status_code == 403, rule.name
    assert not personal.reached()


@pytest.mark.parametrize("path", ["/serve/flights/other/predict/feast/batch", "/serve/other/solo/predict/feast/batch",
                                  "/serve/flights/delayed/predict/feast/batch"])  # fmt: skip
def test_applications_without_personal_data_are_open(personal: Stage, path: str) -> None:
    answer = personal.ask("POST", path, f"{path.split('/')[2]}:data_scientist", json={"entities": []})
    assert answer.status_code == 200, answer.text
    assert len(personal.reached()) == 1


@pytest.mark.parametrize("path", [
    "/serve/flights/delay/predict/feast/batch?x=1", "/serve/flights/delay%40/predict/feast/batch",
    "/serve/flights/%64elay/predict/feast/batch", "/serve/flights/DELAY/predict/feast/batch",
])  # fmt: skip
def test_other_ways_to_write_its_path_reach_it_no_more(personal: Stage, path: str) -> None:
    answer = personal.ask("POST", path, "flights:data_scientist", json={"entities": []})
    reached = [seen.path for seen in personal.reached()]
    assert answer.status_code in (403, 404) or reached == [path.removeprefix("/serve")]
    assert "/flights/delay/predict/feast/batch" not in [each.partition("?")[0] for each in reached]


def test_features_need_it_in_a_project_that_holds_any_and_in_no_other(personal: Stage) -> None:
    """Also where no application answers with it: its views are asked for by name."""
    before = personal.settings
    assert personal.declare(replace(before, personal={"flights": ()})) is None
    asked = {"features": ["passenger:age"], "entities": {"passenger": ["x"]}}
    for project, roles, status in (
        ("flights", ("flights:data_scientist",), 403),
        ("flights", ("flights:data_scientist", "other:personal_data"), 403),
        ("flights", ("flights:data_scientist", HERE), 200),
        ("flights", (HERE,), 403),
        ("other", ("other:data_scientist",), 200),
    ):
        answer = personal.ask("POST", f"/feast/{project}/get-online-features", *roles, json=asked)
        assert answer.status_code == status, f"{project} by {roles}: {answer.text}"
        assert [seen.path for seen in personal.reached()] == [f"/{project}/get-online-features"] * (status == 200)
    assert personal.ask("GET", "/feast/flights/health", "flights:viewer").status_code == 200, "it tells no value"
    personal.reached()
    assert personal.declare(before) is None


def test_without_personal_data_nothing_needs_it(stage: Stage) -> None:
    before = stage.settings
    assert stage.declare(replace(before, personal={})) is None
    for rule in REVEALING:
        assert stage.ask(rule.methods[0], path_of(rule, "flights"), "*:platform_admin").status_code == 200
        assert len(stage.reached()) == 1
    assert stage.declare(before) is None
