"""Finding models: filters, order and pages over the catalogue's lines. Pure."""

import base64
import binascii
import json
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.rules.lifecycle import STAGES

Line = Mapping[str, Any]
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "=": operator.eq,
}
_METRIC = re.compile(r"\s*([A-Za-z]\w*)\s*(<=|>=|<|>|=)\s*(-?[0-9]+(?:\.[0-9]+)?(?:e-?[0-9]+)?)\s*", re.ASCII)
#: What models are put in order by, beside any metric; `-` before it turns it round.
ORDERS = ("name", "project", "owner", "stage", "trained")


@dataclass(frozen=True)
class Wanted:
    """What is looked for. All of it has to hold; ``q``'s words are found in names, descriptions, owners, tags."""

    q: str = ""
    owner: str = ""
    feature: str = ""
    tag: str = ""
    metrics: tuple[str, ...] = ()
    stage: str = ""
    sort: str = "name"


def find(lines: Iterable[Line], wanted: Wanted, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """Return ``{"models": [line], "count", "next"}``: a page in order, how many there are, the cursor of the next page.

    A page begins after the model that its cursor names: what appears or goes meanwhile moves no page.
    Raises ApiProblem 422 for a filter, an order or a cursor that is none.
    """
    tests = _tests(wanted)
    key = _order(wanted.sort)
    found = sorted((line for line in lines if all(test(line) for test in tests)), key=key)
    after = _opened(cursor, wanted.sort)
    rest = [line for line in found if after is None or _later(key(line), after)]
    shown = rest[:limit]
    more = _sealed(key(shown[-1]), wanted.sort) if len(rest) > limit else None
    return {"models": shown, "count": len(found), "next": more}


def _tests(wanted: Wanted) -> list[Callable[[Line], bool]]:
    words = wanted.q.lower().split()
    tests: list[Callable[[Line], bool]] = [lambda line: all(word in _text(line) for word in words)]
    if wanted.owner:
        owner = wanted.owner.lower()
        tests.append(lambda line: owner in (line["owner"].lower(), line["team"].lower()))
    if wanted.feature:
        tests.append(lambda line: any(_names(feature, wanted.feature) for feature in line["features"]))
    if wanted.tag:
        name, equals, value = wanted.tag.partition("=")
        tests.append(lambda line: name in line["tags"] and (not equals or line["tags"][name] == value))
    if wanted.stage:
        if wanted.stage not in STAGES:
            raise ApiProblem(422, "is no stage", path="stage", value=wanted.stage[:80], allowed=", ".join(STAGES))
        tests.append(lambda line: wanted.stage in line["stages"])
    return tests + [_metric(given) for given in wanted.metrics]


def _text(line: Line) -> str:
    tags = (f"{name}={value}" for name, value in line["tags"].items())
    told = (line["project"], line["name"], line["description"], line["owner"], line["team"], line["kind"])
    return " ".join((*told, f"{line['project']}/{line['name']}", *tags, *line["features"])).lower()


def _names(feature: str, given: str) -> bool:
    """Whether a feature is meant: by its whole name, its view's, or its field's."""
    view, _, field = feature.partition("__")
    return given in (feature, view, field)


def _metric(given: str) -> Callable[[Line], bool]:
    found = _METRIC.fullmatch(given)
    if found is None:
        raise ApiProblem(
            422, "is no bound of a metric", path="metric", value=given[:80], allowed="as in mae<20, r2>=0.8"
        )
    name, compare, bound = found[1], _COMPARE[found[2]], float(found[3])
    return lambda line: _is_number(line["metrics"].get(name)) and compare(line["metrics"][name], bound)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


class _Reversed(str):
    """Text in the other order."""

    __slots__ = ()

    def __lt__(self, other: str) -> bool:
        return str.__gt__(self, other)


def _order(sort: str) -> Callable[[Line], tuple[Any, ...]]:
    """Return the key of an order: (nothing to go by, what to go by, project, name). Raises ApiProblem 422."""
    name, down = sort.removeprefix("-"), sort.startswith("-")
    if not re.fullmatch(r"[A-Za-z]\w{0,62}", name, re.ASCII):
        allowed = f"{', '.join(ORDERS)} or a metric, `-` before it for the other way"
        raise ApiProblem(422, "is no order", path="sort", value=sort[:80], allowed=allowed)

    def key(line: Line) -> tuple[Any, ...]:
        value = _value(line, name)
        if value is None:
            return (1, 0, line["project"], line["name"])
        if isinstance(value, str):
            return (0, _Reversed(value) if down else value, line["project"], line["name"])
        return (0, -value if down else value, line["project"], line["name"])

    return key


def _value(line: Line, name: str) -> str | float | None:
    if name in ("name", "project", "owner"):
        return str(line[name])
    if name == "trained":
        return str(line["trained_at"]) if line["trained_at"] else None
    if name == "stage":
        return STAGES.index(line["stage"]) if line["stage"] else None
    value = line["metrics"].get(name)
    return float(value) if _is_number(value) else None


def _sealed(key: Sequence[Any], sort: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, *key]).encode()).decode().rstrip("=")


def _opened(cursor: str | None, sort: str) -> tuple[Any, ...] | None:
    if cursor is None:
        return None
    try:
        told = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        asked, none, value, project, name = told
        if asked != sort or not isinstance(project, str) or not isinstance(name, str) or none not in (0, 1):
            raise ValueError(asked)
    except (ValueError, TypeError, binascii.Error, UnicodeDecodeError):
        raise ApiProblem(
            422, "is no cursor of this order", path="cursor", value=cursor[:80], fix="begin without one"
        ) from None
    return (none, _Reversed(value) if isinstance(value, str) and sort.startswith("-") else value, project, name)


def _later(key: tuple[Any, ...], after: tuple[Any, ...]) -> bool:
    try:
        return after < key
    except TypeError:  # a number where there are words, or the other way round: made up
        raise ApiProblem(422, "is no cursor of this order", path="cursor", fix="begin without one") from None
