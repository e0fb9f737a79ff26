"""The engine's values as plain Python ones and back: secrets unwrapped, unknowns kept, whole numbers as ``int``."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from google.protobuf import struct_pb2

#: How the engine writes "not known before the update", and marks special objects (pulumi/sdk property marshalling).
UNKNOWN_WIRE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105  a marker, not a secret
OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"


class _Unknown:
    """A value that the engine learns only while it updates."""

    def __repr__(self) -> str:
        return "(known after the update)"


UNKNOWN = _Unknown()


def to_plain(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the properties of a request as plain values; a value not known yet is :data:`UNKNOWN`."""
    return {key: _plain(value) for key, value in struct.fields.items()}


def _plain(value: struct_pb2.Value) -> Any:
    return _READERS[value.WhichOneof("kind") or "null_value"](value)


def _number(value: struct_pb2.Value) -> int | float:
    number = value.number_value
    return int(number) if number.is_integer() else number


def _text(value: struct_pb2.Value) -> Any:
    return UNKNOWN if value.string_value == UNKNOWN_WIRE else value.string_value


def _object(value: struct_pb2.Value) -> Any:
    fields = value.struct_value.fields
    mark = fields[SIGNATURE].string_value if SIGNATURE in fields else None
    if mark in (SECRET, OUTPUT):
        return _plain(fields["value"]) if "value" in fields else UNKNOWN
    return to_plain(value.struct_value)


_READERS: dict[str, Callable[[struct_pb2.Value], Any]] = {
    "null_value": lambda _: None,
    "bool_value": lambda value: value.bool_value,
    "number_value": _number,
    "string_value": _text,
    "list_value": lambda value: [_plain(item) for item in value.list_value.values],
    "struct_value": _object,
}


def secret_keys(struct: struct_pb2.Struct) -> frozenset[str]:
    """Return the names of the properties that are secret, or have a secret inside."""
    return frozenset(key for key, value in struct.fields.items() if _has_secret(value))


def _has_secret(value: struct_pb2.Value) -> bool:
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        return any(_has_secret(item) for item in value.list_value.values)
    if kind != "struct_value":
        return False
    fields = value.struct_value.fields
    mark = fields[SIGNATURE].string_value if SIGNATURE in fields else None
    flagged = mark == OUTPUT and "secret" in fields and fields["secret"].bool_value
    return mark == SECRET or flagged or any(_has_secret(item) for item in fields.values())


def to_struct(values: Mapping[str, Any], secrets: Collection[str] = ()) -> struct_pb2.Struct:
    """Return plain values as the engine's; those named in ``secrets`` are marked secret. ``None`` is left out."""
    wires = {key: _wire(value) for key, value in values.items() if value is not None}
    return struct_pb2.Struct(fields={key: _secret(w) if key in secrets else w for key, w in wires.items()})


def _secret(value: struct_pb2.Value) -> struct_pb2.Value:
    mark = struct_pb2.Value(string_value=SECRET)
    return struct_pb2.Value(struct_value=struct_pb2.Struct(fields={SIGNATURE: mark, "value": value}))


def _wire(value: Any) -> struct_pb2.Value:
    if value is UNKNOWN:
        return struct_pb2.Value(string_value=UNKNOWN_WIRE)
    if isinstance(value, Mapping):
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields={str(k): _wire(v) for k, v in value.items()}))
    if isinstance(value, list | tuple | set | frozenset):
        items = sorted(value) if isinstance(value, set | frozenset) else value
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=[_wire(item) for item in items]))
    return _scalar(value)


def _scalar(value: Any) -> struct_pb2.Value:
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int | float):
        return struct_pb2.Value(number_value=float(value))
    return struct_pb2.Value(string_value=str(value))


def has_unknown(value: Any) -> bool:
    """Whether a value is, or somewhere holds, one that is not known yet."""
    if isinstance(value, Mapping):
        return any(has_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(has_unknown(item) for item in value)
    return value is UNKNOWN
