"""What differs between what is there and what is declared, property by property, for every resource type alike."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any


class Change(Enum):
    """What happens to one property."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


#: Property path, as Pulumi writes it (``a.b[0]["c d"]``) → what happens to it.
Changes = dict[str, Change]


@dataclass(frozen=True)
class _Pair:
    """Two values of one property, and where it is."""

    path: str
    old: Any
    new: Any


def diff(state: Mapping[str, Any], inputs: Mapping[str, Any], outputs: Collection[str]) -> Changes:
    """Return what differs. ``outputs`` name what in the state is no input: it takes no part."""
    old = {key: value for key, value in state.items() if key not in outputs or key in inputs}
    return _objects(_Pair("", old, dict(inputs)))


def _walk(pair: _Pair) -> Changes:
    old, new = pair.old, pair.new
    if _same(old, new):
        return {}
    if old is None or new is None:
        return {pair.path: Change.ADD if old is None else Change.DELETE}
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return _objects(pair)
    if isinstance(old, list) and isinstance(new, list):
        return _lists(pair)
    return {pair.path: Change.UPDATE}


def _objects(pair: _Pair) -> Changes:
    keys = [*pair.old, *(key for key in pair.new if key not in pair.old)]
    pairs = (_Pair(join(pair.path, key), pair.old.get(key), pair.new.get(key)) for key in keys)
    return {path: change for each in pairs for path, change in _walk(each).items()}


def _lists(pair: _Pair) -> Changes:
    longest = max(len(pair.old), len(pair.new))
    pairs = (_Pair(f"{pair.path}[{i}]", _at(pair.old, i), _at(pair.new, i)) for i in range(longest))
    return {path: change for each in pairs for path, change in _walk(each).items()}


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else None


def _same(old: Any, new: Any) -> bool:
    """Equal, where ``true`` is not 1 and what is absent, null or (in an object) an absent null are one."""
    if isinstance(old, bool) != isinstance(new, bool):
        return False
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return all(_same(old.get(key), new.get(key)) for key in {*old, *new})
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(_same(a, b) for a, b in zip(old, new, strict=True))
    return bool(old == new)


def join(path: str, key: str) -> str:
    """Return the property path of ``key`` below ``path``."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        escaped = key.replace("\\", "\\\\").replace('"', '\\"')
        return f'{path}["{escaped}"]'
    return f"{path}.{key}" if path else key


def head(path: str) -> str:
    """Return the top-level property of a path."""
    match = re.match(r'\["((?:[^"\\]|\\.)*)"\]|[^.\[]+', path)
    if match is None:
        return path
    return match[0] if match[1] is None else re.sub(r"\\(.)", r"\1", match[1])
