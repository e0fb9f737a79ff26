"""How Feast 0.67 lays out features in Redis (``feast.infra.online_stores.redis``), read and spelled without Feast.

A hash an entity, whose key is the entity (join keys and their values, key serialization version 3) and the project,
with a field a feature (murmur3 of ``<view>:<feature>``) that holds Feast's ``Value`` message, and ``_ts:<view>`` that
holds a ``Timestamp`` message. Protobuf's wire format: a tag byte (number * 8 + kind), then a base-128 number, eight
bytes, or a length and that many bytes.
"""

import struct
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from groundplan_runtime.errors import RuntimeProblem

TEXT = "string"
#: Feast's numbers for types in a key.
_STRING, _INT64 = 2, 4
#: Tags of ``Value``'s fields: what the five types of the YAML make, and the two that are narrower.
_STRING_VAL, _INT32_VAL, _INT64_VAL, _DOUBLE_VAL, _FLOAT_VAL, _BOOL_VAL, _TIME_VAL = 18, 24, 32, 41, 53, 56, 64
#: What Feast keeps where an instant is missing: NumPy's NaT.
_NAT = -(1 << 63)
_NAN = float("nan")
_NAN_VALUE = bytes([_DOUBLE_VAL]) + struct.pack("<d", _NAN)
_heads = struct.Struct("<II").pack
_signed64 = struct.Struct("<q").pack
_double = struct.Struct("<d").unpack_from
_float = struct.Struct("<f").unpack_from


def key_encoder(keys: Sequence[tuple[str, str]], project: bytes) -> Callable[[Sequence[Any]], bytes]:
    """Return how an entity's values are spelled as its key. ``keys`` are names and types of its join keys, by name.

    The function that is returned takes their values in that order; RuntimeProblem for an integer beyond 64 bits.
    """
    names = [name.encode() for name, _ in keys]
    prefix = struct.pack("<I", len(keys)) + b"".join(_heads(_STRING, len(name)) + name for name in names)
    texts = [kind == TEXT for _, kind in keys]

    def encode(values: Sequence[Any]) -> bytes:
        parts = [_text(each) if text else _integer(each) for text, each in zip(texts, values, strict=True)]
        return b"".join((prefix, *parts, project))

    return encode


def _text(value: Any) -> bytes:
    raw = str(value).encode()
    return _heads(_STRING, len(raw)) + raw


def _integer(value: Any) -> bytes:
    try:
        return _heads(_INT64, 8) + _signed64(value)
    except struct.error:
        raise RuntimeProblem("is no int64", path="entities", value=value) from None


def hash_fields(view: str, fields: Sequence[str]) -> tuple[bytes, ...]:
    """Return the hash fields of a view's features, and last that of its event timestamp."""
    import mmh3

    hashed = [struct.pack("<I", mmh3.hash(f"{view}:{field}", signed=False)) for field in fields]
    return (*hashed, f"_ts:{view}".encode())


def numbers(column: Sequence[bytes | None]) -> Any:
    """Return a column of ``Value`` messages as float64: None and NaT are NaN, a bool 0 or 1, instants unix seconds."""
    import numpy as np

    raw = b"".join([each or _NAN_VALUE for each in column])
    if len(raw) == 9 * len(column):
        doubles = np.frombuffer(raw, dtype=[("tag", "u1"), ("value", "<f8")])
        if (doubles["tag"] == _DOUBLE_VAL).all():  # so each began where the one before ended: all are doubles
            return doubles["value"]
    return np.array([_number(each) if each else _NAN for each in column], dtype="float64")


def texts(column: Sequence[bytes | None]) -> list[str | None]:
    """Return a column of ``Value`` messages as text."""
    return [_string(each) if each and each[0] == _STRING_VAL else None for each in column]


def instants(column: Sequence[bytes | None]) -> Any:
    """Return a column of ``Timestamp`` messages in unix seconds; NaN where the view knows nothing."""
    import numpy as np

    return np.array([_NAN if each is None else _instant(each) for each in column], dtype="float64")


@lru_cache(maxsize=8192)
def _number(raw: bytes) -> float:
    tag = raw[0]
    if tag in (_INT64_VAL, _BOOL_VAL, _INT32_VAL):
        return float(_signed(_varint(raw, 1)[0]))
    if tag == _TIME_VAL:
        seconds = _signed(_varint(raw, 1)[0])
        return _NAN if seconds == _NAT else float(seconds)
    if tag == _DOUBLE_VAL:
        return float(_double(raw, 1)[0])
    return float(_float(raw, 1)[0]) if tag == _FLOAT_VAL else _NAN  # NaN: null, or what no type of ours makes


def _string(raw: bytes) -> str:
    length, at = _varint(raw, 1)
    return raw[at : at + length].decode()


@lru_cache(maxsize=8192)
def _instant(raw: bytes) -> float:
    parts, at = {8: 0, 16: 0}, 0  # seconds, nanoseconds
    while at < len(raw):
        tag = raw[at]
        parts[tag], at = _varint(raw, at + 1)
    return _signed(parts[8]) + parts[16] / 1e9


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the base-128 number at a position, and where it ends."""
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
