"""Every rule's CEL and Python give the same verdict over the same objects, and the right one."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import celpy
import pytest
from tests.unit.rules.samples import BAD, GOOD, OBJECTS, REGISTRY, RELEASED, template, wrap

from groundplan.rules import RULES, SHAPES, Rule, Settings, allowed, docs, shape_of
from groundplan.rules.admission import expression

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = Settings(("other.example.org", REGISTRY), images=(RELEASED,))
#: One kind of each shape: rules ask a shape for its templates, and know nothing of its kinds.
KINDS = [shape.kinds[0] for shape in SHAPES if shape.templates]


@functools.cache
def compiled(cel: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(cel))


def given(thing: dict[str, Any], user: str = "ana") -> dict[str, Any]:
    """What the API server gives to every validation of an object that somebody sends: variables first."""
    shape = shape_of(thing["kind"], SHAPES)
    assert shape is not None
    values: dict[str, Any] = {"object": celpy.json_to_cel(thing)}
    values["request"] = celpy.json_to_cel({"userInfo": {"username": user}})
    if shape.templates:
        values["variables"] = celpy.celtypes.MapType({"templates": compiled(shape.templates).evaluate(values)})
    return values


def verdicts(rules: Sequence[Rule], thing: dict[str, Any]) -> dict[str, tuple[bool, bool]]:
    """What CEL and Python say of an object, by rule."""
    values = given(thing)
    return {
        rule.id: (
            bool(compiled(expression(rule, SETTINGS)).evaluate(values)),
            allowed(rule, thing, thing["kind"], SETTINGS, SHAPES),
        )
        for rule in rules
    }


def broken() -> list[Any]:
    return [pytest.param(rule, n, id=f"{rule}-{n}") for rule, changes in BAD.items() for n in range(len(changes))]


POD_RULES = [rule for rule in RULES if rule.subject != "object"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("broken", "number"), broken())
def test_what_breaks_a_rule_is_refused_by_it_and_by_no_other(broken: str, number: int, kind: str) -> None:
    pod = template()
    BAD[broken][number](pod)
    thing = wrap(kind, pod)
    found = verdicts(POD_RULES, thing)
    expected = {broken}
    assert {id for id, (cel, _) in found.items() if not cel} == expected
    assert {id for id, (_, python) in found.items() if not python} == expected


@pytest.mark.parametrize(
    ("user", "fine"),
    [
        ("system:serviceaccount:groundplan:controlplane", True),
        ("system:serviceaccount:kube-system:job-controller", True),
        ("system:serviceaccount:core:controlplane", False),
        ("system:serviceaccount:groundplan:ray-operator", False),
    ],
)
def test_the_control_plane_alone_gives_pods_the_credentials_of_runs(user: str, fine: bool) -> None:
    pod = template()
    pod["spec"]["serviceAccountName"] = "flights-run"
    [rule] = [each for each in RULES if each.id == "run-credentials"]
    values = given(wrap("Job", pod), user)
    assert bool(compiled(expression(rule, SETTINGS)).evaluate(values)) == fine


@pytest.mark.parametrize("kind", [kind for shape in SHAPES if shape.templates for kind in shape.kinds])
def test_every_kind_that_holds_pods_is_asked(kind: str) -> None:
    pod = template()
    pod["spec"]["hostNetwork"] = True
    assert False in [cel and python for cel, python in verdicts(POD_RULES, wrap(kind, pod)).values()]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("broken", "number"), broken())
def test_an_update_that_leaves_the_pods_alone_is_not_judged(broken: str, number: int, kind: str) -> None:
    pod, shape = template(), shape_of(kind, SHAPES)
    assert shape is not None
    old = wrap(kind, template())
    BAD[broken][number](pod)
    new = wrap(kind, pod)
    scaled = {**new, "metadata": {**new["metadata"], "finalizers": ["one"]}}
    for before, after, same in ((old, new, False), (new, scaled, True)):
        both = {"object": celpy.json_to_cel(after), "oldObject": celpy.json_to_cel(before)}
        assert bool(compiled(shape.unchanged).evaluate(both)) is same


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", range(len(GOOD)))
def test_what_is_in_order_is_allowed(number: int, kind: str) -> None:
    pod = template()
    GOOD[number](pod)
    thing = wrap(kind, pod)
    assert verdicts(POD_RULES, thing) == {rule.id: (True, True) for rule in POD_RULES}


@pytest.mark.parametrize(("id", "thing", "fine"), OBJECTS)
def test_rules_about_other_objects(id: str, thing: dict[str, Any], fine: bool) -> None:
    [rule] = [rule for rule in RULES if rule.id == id]
    assert verdicts([rule], thing) == {id: (fine, fine)}


def test_every_rule_has_a_sample_that_breaks_it() -> None:
    judged = set(BAD) | {id for id, _, fine in OBJECTS if not fine}
    assert judged == {rule.id for rule in RULES}


def test_the_page_shows_the_table_as_it_is() -> None:
    text = (ROOT / docs.PAGE).read_text()
    assert docs.page(text) == text, "run: python -m groundplan.rules.docs"
