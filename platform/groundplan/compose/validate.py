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
_ROUNDS = 12
_MISSING = json.dumps(MISSING)
_UNKNOWN, _BAD_NAME = "unknown key", "is no name that is allowed here"
#: Tried in the place of an invalid value, in this order, so that the rest can be checked.
_STAND_INS: tuple[Any, ...] = (
    "stand_in",
    "stand_in.sql",
    "stand_in.py:stand_in",
    "stand_in@example.org",
    "local",
    "1d",
    "2000-01-01T00:00:00Z",
    1,
    2000,
    True,
    ["stand_in"],
    {},
    {"stand_in": "string"},
    {"stand_in": "all"},
)


@dataclass(frozen=True)
class Validated(Generic[M]):
    """The spec, the mistakes in it, and the objects (collection, name) that hold stand-ins for them."""

    spec: M | None
    findings: tuple[Finding, ...] = ()
    broken: frozenset[tuple[str, str]] = frozenset()

    def hides(self, path: KeyPath) -> bool:
        """Return whether a place is inside one that was reported already."""
        return any(finding.path == path[: len(finding.path)] for finding in self.findings)


def validate(model: type[M], values: dict[str, Any], name: str) -> Validated[M]:
    """Validate composed values. ``name`` is what the whole is called where it gives itself no valid name."""
    try:
        text = json.dumps(values, allow_nan=False)
        if _MISSING not in text:
            return Validated(model.model_validate_json(text))
        return _Piecewise(model, copy.deepcopy(values), name).run()
    except (ValidationError, ValueError):
        return _Piecewise(model, copy.deepcopy(values), name).run()


class _Piecewise(Generic[M]):
    """Validation that goes on after a mistake, by putting something valid in its place."""

    def __init__(self, model: type[M], values: dict[str, Any], name: str) -> None:
        self.model = model
        self.values = values
        self.stand_ins = (name, *_STAND_INS)
        self.findings: dict[KeyPath, Finding] = {}
        self.broken: set[tuple[str, str]] = set()

    def run(self) -> Validated[M]:
        for finding in list(_unusable(self.values, ())):
            self.findings[finding.path] = finding
            self._replace(finding.path)
        for _ in range(_ROUNDS):
            try:
                spec = self.model.model_validate_json(json.dumps(self.values))
                return Validated(spec, tuple(self.findings.values()), frozenset(self.broken))
            except ValidationError as error:
                for finding in _findings(self.model, self.values, error.errors(include_url=False)):
                    self._mend(finding)
        return Validated(None, tuple(self.findings.values()), frozenset(self.broken))

    def _mend(self, finding: Finding) -> None:
        if not any(known == finding.path[: len(known)] for known in self.findings):
            self.findings[finding.path] = finding
        if not _holds(self.values, finding.path):
            return  # What was around it is gone already, or is something else now, for another mistake.
        if finding.what in (_UNKNOWN, _BAD_NAME):
            _parent(self.values, finding.path).pop(finding.path[-1], None)
        else:
            self._replace(finding.path)

    def _replace(self, path: KeyPath) -> None:
        if len(path) >= 2:
            self.broken.add((str(path[0]), str(path[1])))
        parent = _parent(self.values, path)
        for candidate in (*self._choices(path), *self.stand_ins):
            parent[path[-1]] = copy.deepcopy(candidate)
            if not any(f.path == path for f in self._errors()):
                return

    def _errors(self) -> list[Finding]:
        try:
            self.model.model_validate_json(json.dumps(self.values))
        except ValidationError as error:
            return _findings(self.model, self.values, error.errors(include_url=False))
        return []

    def _choices(self, path: KeyPath) -> list[str]:
        _parent(self.values, path)[path[-1]] = ""
        return [o for f in self._errors() if f.path == path for o in (f.allowed or "").split(", ")]


def _holds(values: Any, path: KeyPath) -> bool:
    """Tell whether what is around a place is there, and has places of that kind."""
    try:
        parent = _parent(values, path)
    except (KeyError, IndexError, TypeError):
        return False
    return isinstance(parent, list if isinstance(path[-1], int) else dict)


def _parent(values: Any, path: KeyPath) -> Any:
    for part in path[:-1]:
        values = values[part]
    return values


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
    for at, part in enumerate(loc):
        try:
            values = values[part]
        except (KeyError, IndexError, TypeError):
            if missing and at == len(loc) - 1:
                return (*path, part)
            continue
        path.append(part)
    return tuple(path)


def _finding(model: type[Model], path: KeyPath, error: ErrorDetails) -> Finding:
    if error["type"] == "missing":
        return Finding(path, "is required", fix=f"add {path[-1]}:")
    if error["type"] == "extra_forbidden":
        keys = known_keys(model, path[:-1])
        name = str(path[-1])
        return Finding(path, _UNKNOWN, name, ", ".join(keys), suggest(name, keys))
    if error["loc"][-1:] == ("[key]",):
        return Finding(path, _BAD_NAME, str(path[-1]), allowed_of(error), _near(error))
    options = known_keys(model, path)
    value = error["input"]
    fix = suggest(value, [o.strip("'") for o in options]) if isinstance(value, str) and options else None
    return Finding(path, what_of(error), shown(value), allowed_of(error), fix or _near(error))


def _near(error: ErrorDetails) -> str | None:
    expected = str(error.get("ctx", {}).get("expected", ""))
    return suggest(str(error["input"]), [part for part in expected.split("'") if part.isidentifier() and part != "or"])
