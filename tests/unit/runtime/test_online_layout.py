"""Keys and values as Feast writes them, for any of them."""

import struct
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from feast.infra.online_stores.helpers import _mmh3, _redis_key
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from groundplan_runtime import online_layout as layout

NAMES = st.text(min_size=1, max_size=20)
INTS = st.integers(-(2**63), 2**63 - 1)
KEYS = st.dictionaries(NAMES, st.text() | INTS, min_size=1, max_size=4)


@given(keys=KEYS, project=NAMES)
def test_keys(keys: dict[str, Any], project: str) -> None:
    def value(each: Any) -> Value:
        return Value(string_val=each) if isinstance(each, str) else Value(int64_val=each)

    theirs = _redis_key(project, EntityKey(join_keys=list(keys), entity_values=[value(v) for v in keys.values()]))
    kinds = tuple(sorted((name, "string" if isinstance(v, str) else "int64") for name, v in keys.items()))
    ours = layout.key_encoder(kinds, project.encode())([keys[name] for name, _ in kinds])
    assert ours == theirs


@given(view=NAMES, fields=st.lists(NAMES, max_size=5))
def test_hash_fields(view: str, fields: list[str]) -> None:
    expected = [*(_mmh3(f"{view}:{field}") for field in fields), f"_ts:{view}".encode()]
    assert list(layout.hash_fields(view, fields)) == expected


NUMBERS = {
    "int64_val": INTS,
    "int32_val": st.integers(-(2**31), 2**31 - 1),
    "double_val": st.floats(),
    "float_val": st.floats(width=32),
    "bool_val": st.booleans(),
    "unix_timestamp_val": INTS,
}
CELL = st.sampled_from(sorted(NUMBERS)).flatmap(lambda name: st.tuples(st.just(name), NUMBERS[name])) | st.none()
SAME = st.sampled_from(sorted(NUMBERS)).flatmap(
    lambda name: st.lists(st.tuples(st.just(name), NUMBERS[name]) | st.none(), max_size=20)
)


@given(cells=st.lists(CELL, max_size=20) | SAME)
def test_numbers(cells: list[tuple[str, Any] | None]) -> None:
    raw = [b"" if cell is None else Value(**{cell[0]: cell[1]}).SerializeToString() for cell in cells]
    expected = [
        np.nan if cell is None or cell == ("unix_timestamp_val", -(2**63)) else float(cell[1]) for cell in cells
    ]
    found = layout.numbers(raw)
    assert found.dtype == "float64"
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(
    "raw", [None, b"", Value(null_val=0).SerializeToString(), Value(string_val="7").SerializeToString()]
)
def test_what_is_no_number_is_nan(raw: bytes | None) -> None:
    assert np.isnan(layout.numbers([raw])).all()


def test_lengths_that_only_add_up_are_not_taken_for_doubles() -> None:
    # Ten bytes and eight: as many as two doubles, and the second tag would be in the middle of the first value.
    cells = [Value(int64_val=struct.unpack("<q", b"\x29" * 8)[0] | (1 << 62)), Value(int64_val=2**48)]
    raw = [cell.SerializeToString() for cell in cells]
    np.testing.assert_array_equal(layout.numbers(raw), [float(cell.int64_val) for cell in cells])


@given(values=st.lists(st.text() | st.none(), max_size=10))
def test_texts(values: list[str | None]) -> None:
    raw = [None if v is None else Value(string_val=v).SerializeToString() for v in values]
    assert layout.texts(raw) == values
    assert layout.texts([Value(int64_val=1).SerializeToString(), b""]) == [None, None]


@given(at=st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC)))
def test_instants_to_the_microsecond(at: datetime) -> None:
    message = Timestamp()
    message.FromDatetime(at)
    found = layout.instants([message.SerializeToString(), None])
    assert round(found[0] * 1e6) == round(at.timestamp() * 1e6)
    assert np.isnan(found[1])
