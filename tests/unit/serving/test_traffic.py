"""Weights over aliases: each gets its share, and an entity always meets the same one."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from groundplan_serving.traffic import alias_of, split

WEIGHTS = st.dictionaries(st.sampled_from(["production", "staging", "latest"]), st.floats(1, 100), min_size=1)
ROW = st.fixed_dictionaries({"origin": st.text(max_size=5), "hour": st.integers()})
ENTITIES = st.lists(ROW, min_size=1, max_size=30)


@given(ENTITIES, WEIGHTS)
def test_every_entity_is_answered_by_one_alias_and_always_the_same(entities: list, weights: dict) -> None:
    groups = split(entities, weights, ["origin"])
    assert sorted(row for rows in groups.values() for row in rows) == list(range(len(entities)))
    for alias, rows in groups.items():
        assert {alias_of({**entities[row], "hour": 0}, weights, ["origin"]) for row in rows} == {alias}


def test_the_shares_are_the_weights() -> None:
    entities = [{"id": number} for number in range(20_000)]
    counts = Counter(alias_of(each, {"production": 90, "staging": 10}, []) for each in entities)
    assert 0.09 < counts["staging"] / len(entities) < 0.11


def test_a_canary_that_grows_keeps_whom_it_had() -> None:
    entities = [{"id": number} for number in range(2_000)]
    small = {e["id"] for e in entities if alias_of(e, {"production": 90, "staging": 10}, []) == "staging"}
    large = {e["id"] for e in entities if alias_of(e, {"production": 70, "staging": 30}, []) == "staging"}
    assert small < large


def test_an_alias_of_weight_nothing_answers_nobody() -> None:
    answered = {alias_of({"id": number}, {"production": 100, "staging": 0}, []) for number in range(500)}
    assert answered == {"production"}
