"""Which keys a spec knows at a path: for "allowed" and for "did you mean"."""

import typing
from collections.abc import Iterator
from typing import Any

from groundplan.compose.yamlfile import KeyPath
from groundplan.spec import Model


def known_keys(model: type[Model], path: KeyPath) -> list[str]:
    """Return the keys of the mapping at a path, empty where any key may stand."""
    kinds: list[Any] = [model]
    for part in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, part)]
    return [key for kind in kinds if _is_model(kind) for key in kind.model_fields]


def _inside(kind: Any, part: str | int) -> Iterator[Any]:
    if _is_model(kind):
        field = kind.model_fields.get(part)
        yield from _flat(field.annotation) if field else ()
        return
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is dict and len(arguments) == 2:
        yield from _flat(arguments[1])
    elif origin is tuple and arguments:
        yield from _flat(arguments[0])


def _flat(kind: Any) -> Iterator[Any]:
    """Yield the members of a union, without ``Annotated``."""
    if typing.get_origin(kind) is typing.Annotated:
        yield from _flat(typing.get_args(kind)[0])
    elif typing.get_origin(kind) is typing.Literal or not typing.get_args(kind) or _is_container(kind):
        yield kind
    else:
        for member in typing.get_args(kind):
            yield from _flat(member)


def _is_container(kind: Any) -> bool:
    return typing.get_origin(kind) in (dict, tuple, list)


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, Model)
