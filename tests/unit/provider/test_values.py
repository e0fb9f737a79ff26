"""The engine's values and plain ones."""

import pytest
from google.protobuf import json_format, struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from groundplan.provider.values import (
    OUTPUT,
    SECRET,
    SIGNATURE,
    UNKNOWN,
    UNKNOWN_WIRE,
    has_unknown,
    secret_keys,
    to_plain,
    to_struct,
)

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner))


def struct(values: dict[str, object]) -> struct_pb2.Struct:
    """What the engine would send."""
    return json_format.ParseDict(values, struct_pb2.Struct())


@given(st.dictionaries(st.text(max_size=4), VALUES.filter(lambda v: v is not None), max_size=4))
def test_plain_values_survive_the_way_there_and_back(values: dict[str, object]) -> None:
    assert to_plain(to_struct(values)) == values


def test_whole_numbers_are_int_and_booleans_stay_booleans() -> None:
    plain = to_plain(struct({"n": 3, "x": 0.5, "flag": True}))
    assert plain == {"n": 3, "x": 0.5, "flag": True}
    assert [type(plain[key]) for key in ("n", "x", "flag")] == [int, float, bool]


def test_secrets_are_unwrapped_and_named_also_deep_inside() -> None:
    secret = {SIGNATURE: SECRET, "value": "s3cret"}
    sent = struct(
        {"a": secret, "b": {"c": [secret]}, "d": "open", "e": {SIGNATURE: OUTPUT, "value": 1, "secret": True}}
    )
    assert to_plain(sent) == {"a": "s3cret", "b": {"c": ["s3cret"]}, "d": "open", "e": 1}
    assert secret_keys(sent) == {"a", "b", "e"}


def test_secrets_are_marked_on_the_way_back() -> None:
    sent = to_struct({"a": "s3cret", "b": "open"}, secrets={"a"})
    assert secret_keys(sent) == {"a"}
    assert to_plain(sent) == {"a": "s3cret", "b": "open"}


@pytest.mark.parametrize("wire", [UNKNOWN_WIRE, {SIGNATURE: OUTPUT}])
def test_what_is_not_known_yet_stays_so(wire: object) -> None:
    plain = to_plain(struct({"a": wire, "b": {"c": [wire]}, "d": 1}))
    assert plain["a"] is UNKNOWN
    assert [has_unknown(plain[key]) for key in "abd"] == [True, True, False]
    assert to_struct({"a": UNKNOWN}).fields["a"].string_value == UNKNOWN_WIRE


def test_none_is_left_out() -> None:
    assert to_plain(to_struct({"a": None, "b": {"c": None}})) == {"b": {"c": None}}
