"""The small types, the order of errors, cycles."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from groundplan.errors import Problem, SpecError, suggest
from groundplan.spec import PORT_OFFSETS, StackSpec, TierSpec, seconds
from groundplan.spec._cycles import cycles
from groundplan.spec.stack import PortName


@pytest.mark.parametrize(
    ("text", "expected"), [("30m", 1800), ("3h", 10800), ("28d", 2419200), ("1s", 1), ("2w", 1209600)]
)
def test_durations(text: str, expected: int) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "3", "h", "0h", "-1h", "1.5h", "3 h", "3h "])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="no duration"):
        seconds(text)


def test_specs_are_frozen_and_forbid_unknown_keys() -> None:
    tier = TierSpec(replicas=2)
    with pytest.raises(ValidationError):
        tier.replicas = 3  # type: ignore[misc]
    with pytest.raises(ValidationError):
        TierSpec.model_validate({"replica": 2})


def test_ports_are_the_base_plus_an_offset_unless_named() -> None:
    stack = StackSpec.model_validate(
        {"name": "x", "target": "local", "local": {"port_base": 2000, "ports": {"serve": 3000}}}
    )
    ports = stack.local.all_ports()
    assert (ports["database"], ports["mlflow"], ports["serve"]) == (2000, 2003, 3000)
    assert list(ports) == list(PORT_OFFSETS) == list(get_args(PortName))


def test_problems_are_sorted_by_place_and_are_one_line_each() -> None:
    late, early = Problem("b.yaml", 3, "x", "is wrong"), Problem("a.yaml", 9, "y", "is wrong", "1", "2", "write 2")
    error = SpecError([late, early])
    assert str(error) == "a.yaml:9: y: is wrong; got 1; allowed: 2; fix: write 2\nb.yaml:3: x: is wrong"


def test_suggestions() -> None:
    assert suggest("spendin", ["spending", "x"]) == "did you mean spending?"
    assert suggest("zzz", ["spending"]) is None


names = st.sampled_from("abcdef")


@given(st.dictionaries(names, st.lists(names, max_size=4)))
def test_every_cycle_found_is_one_and_none_is_missed(edges: dict[str, list[str]]) -> None:
    found = list(cycles(edges))
    for cycle in found:
        assert all(after in edges[before] for before, after in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
    left = {node: set(needs) & set(edges) for node, needs in edges.items()}
    while free := [node for node, needs in left.items() if not needs & set(left)]:
        for node in free:
            del left[node]
    assert bool(left) == bool(found)
