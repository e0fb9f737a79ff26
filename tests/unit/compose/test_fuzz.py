"""Whatever stands in the files, loading ends with specs or with problems of one line each: never otherwise."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.checkout import FILES, Checkout

from groundplan.compose import load
from groundplan.errors import SpecError
from groundplan.plan import build_plan

NAMES = ("projects/shop/project.yaml", "projects/shop/training/spend.yaml", "stacks/local.yaml")
SYNTAX = st.sampled_from(list("{}[]:,&*!|>'\"#%@`-? \n\t$\u2028\x85\ufeff0a"))
SCALARS = st.sampled_from(
    [None, True, 0, -1, 3.5, float("inf"), "", "???", "${name}", "${a.b}", "shop", "é\n\n", 10**30]
)
KEYS = st.sampled_from(["x", "name", "", 1, None, "a.b", "defaults", "_self_", "latest", "recent"])
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=2))
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def outcome(checkout: Checkout) -> None:
    told: list[str] | None = None
    try:
        build_plan(*load(checkout.root, "local"))
    except SpecError as error:
        told = [str(problem) for problem in error.problems]
    assert told is None or (told and not any("\n" in line for line in told))


@FUZZ
@given(name=st.sampled_from(NAMES), cuts=st.lists(st.tuples(st.integers(0, 2000), st.none() | SYNTAX), max_size=4))
def test_broken_text(tmp_path: Path, name: str, cuts: list[tuple[int, str | None]]) -> None:
    text = FILES[name]
    for at, character in cuts:
        at %= len(text)
        text = text[:at] + (character or "") + text[at + (character is None) :]
    checkout = Checkout(tmp_path)
    checkout.write(name, text)
    outcome(checkout)


@FUZZ
@given(name=st.sampled_from(NAMES), at=st.integers(0, 200), value=VALUES, key=st.none() | KEYS)
def test_wrong_values(tmp_path: Path, name: str, at: int, value: Any, key: Any) -> None:
    document = yaml.safe_load(FILES[name])
    parents = list(mappings(document))
    parent = parents[at % len(parents)]
    parent[key if key is not None else sorted(parent)[at % len(parent)]] = value
    checkout = Checkout(tmp_path)
    checkout.write(name, yaml.safe_dump(document, sort_keys=False))
    outcome(checkout)


def mappings(value: Any) -> list[dict[Any, Any]]:
    """Every mapping in a document that holds something."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    here = [value] if isinstance(value, dict) and value else []
    return here + [found for item in items for found in mappings(item)]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        # What libyaml takes and the parser that Hydra uses refuses.
        ("{slope: float64}", "{slope:\tfloat64}", None),
        ("tags: {tier: gold}", "tags: {no: gold}", "a key that is not text; got no; fix: put it in quotes"),
        ("- training: [spend]", "- 1: [spend]", "a key that is not text"),
        ("  recent:\n", "  re cent:\n    colour: red\n", "feature_views.re cent: is no name"),
    ],
)
def test_what_fuzzing_found(tmp_path: Path, old: str, new: str, says: str | None) -> None:
    checkout = Checkout(tmp_path)
    checkout.edit(NAMES[0], old, new)
    if says is None:
        outcome(checkout)
        return
    with pytest.raises(SpecError, match=says):
        load(checkout.root, "local")
