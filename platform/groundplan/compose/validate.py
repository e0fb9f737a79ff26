"""From composed values to a spec: every mistake found, also where an earlier one hides the whole."""

import copy
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from groundplan.compose.shape import known_keys
from groundplan.compose.wording import allowed_of, shown, what_of
from groundplan.compose.yamlfile import MISSING, KeyPath
from groundplan.errors import suggest
from groundplan.spec import Finding, Model

M = TypeVar("M", bound=Model)
_ROUNDS = 5


@dataclass(frozen=True)
class Validated(Generic[M]):
    """The spec (of what is valid, when something is not), the mistakes, and the objects left out for them."""

    spec: M | None
    findings: tuple[Finding, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()


def validate(model: type[M], values: dict[str, Any], stand_in: dict[str, Any]) -> Validated[M]:
    """Validate composed values. ``stand_in`` are values for required keys, so that checking can go on without them."""
    try:
        return Validated(model.model_validate_json(json.dumps(values, allow_nan=False)))
    except (ValidationError, ValueError):
        return _piecewise(model, copy.deepcopy(values), stand_in)


def _piecewise(model: type[M], values: dict[str, Any], stand_in: dict[str, Any]) -> Validated[M]:
    findings = {f.path: f for f in _unusable(values, ())}
    broken: set[tuple[str, str]] = set()
    for path in list(findings):
        _remove(values, path, stand_in, broken)
    for _ in range(_ROUNDS):
        try:
            spec = model.model_validate_json(json.dumps(values))
            return Validated(spec, tuple(findings.values()), frozenset(broken))
        except ValidationError as error:
            for finding in _findings(model, values, error.errors(include_url=False)):
                findings.setdefault(finding.path, finding)
                _remove(values, finding.path, stand_in, broken, unknown=finding.what == "unknown key")
    return Validated(None, tuple(findings.values()), frozenset(broken))


def _unusable(value: Any, path: KeyPath) -> Iterator[Finding]:
    """Yield a finding for every value that is still missing, or that is no number."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _unusable(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unusable(item, (*path, index))
    elif value == MISSING:
        yield Finding(path, "a value must be given", MISSING, fix="give it here, in a group or for the environment")
    elif isinstance(value, float) and not math.isfinite(value):
        yield Finding(path, "is not a finite number", str(value))


def _findings(model: type[Model], values: Any, errors: list[ErrorDetails]) -> list[Finding]:
    found: dict[KeyPath, Finding] = {}
    for error in errors:
        path = _real_path(values, error["loc"], missing=error["type"] == "missing")
        finding = _finding(model, path, error)
        before = found.get(path)
        if before is not None and before.allowed and finding.allowed and finding.allowed not in before.allowed:
            # Alternatives of one type: say all that would be right.
            finding = Finding(path, before.what, before.value, f"{before.allowed}, or {finding.allowed}", before.fix)
        found[path] = finding
    return list(found.values())


def _real_path(values: Any, loc: tuple[str | int, ...], *, missing: bool) -> KeyPath:
    """Return the part of pydantic's location that is in the values: it also names union members and ``[key]``."""
    path: list[str | int] = []
    for part in loc:
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            return (*path, part) if missing else tuple(path)
        path.append(part)
    return tuple(path)


def _finding(model: type[Model], path: KeyPath, error: ErrorDetails) -> Finding:
    if error["type"] == "missing":
        return Finding(path, "is required", fix=f"add {path[-1]}:")
    if error["type"] == "extra_forbidden":
        keys = known_keys(model, path[:-1])
        name = str(path[-1])
        return Finding(path, "unknown key", name, ", ".join(keys), suggest(name, keys))
    if error["loc"][-1:] == ("[key]",):
        return Finding(path, "is no name", str(path[-1]), allowed_of(error))
    options = known_keys(model, path)
    value = error["input"]
    fix = suggest(value, [o.strip("'") for o in options]) if isinstance(value, str) and options else None
    return Finding(path, what_of(error), shown(value), allowed_of(error), fix or _near(error))


def _near(error: ErrorDetails) -> str | None:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return suggest(str(error["input"]), [part for part in expected.split("'") if part.isidentifier() and part != "or"])


def _remove(
    values: Any, path: KeyPath, stand_in: dict[str, Any], broken: set[tuple[str, str]], unknown: bool = False
) -> None:
    """Take a mistake out, so that the rest can be checked: the key if nobody knows it, else the object around it."""
    if unknown:
        for part in path[:-1]:
            values = values[part]
        values.pop(path[-1], None)
        return
    first = str(path[0]) if path else ""
    if len(path) >= 2 and isinstance(values.get(first), dict) and first not in stand_in:
        broken.add((first, str(path[1])))
        values[first].pop(path[1], None)
    elif first in stand_in:
        values[first] = stand_in[first]
    else:
        values.pop(first, None)
