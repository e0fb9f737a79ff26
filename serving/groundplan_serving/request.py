"""What a prediction request must be: checked before any tier is asked."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundplan_serving.config import EntityKey
from groundplan_serving.errors import Fault

#: What a key of each of the YAML's types is in JSON, for the one who sent something else.
WORDS = {
    "string": "a string",
    "int64": "an integer of 64 bits",
    "float64": "a finite number",
    "bool": "true or false",
    "timestamp": "a timestamp, as a string",
}
LARGEST = sys.float_info.max
MAX_BODY_BYTES = 4 * 1024 * 1024


def parse(body: bytes, max_batch: int) -> list[dict[str, Any]]:
    """Return the entities of a request, one dict a row. Raises :class:`Fault` (4xx) with the first mistake."""
    if len(body) > MAX_BODY_BYTES:
        raise Fault(413, "the request is too large", value=f"{len(body)} bytes", allowed=f"up to {MAX_BODY_BYTES}")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Fault(400, f"the body is not JSON: {error}", fix='send {"entities": [{…}]}') from None
    entities = _entities(document, max_batch)
    for position, entity in enumerate(entities):
        if not isinstance(entity, dict):
            what, path = "a row is not an object", f"entities[{position}]"
            raise Fault(422, what, path=path, value=_show(entity), allowed="an object of join keys")
    return entities


def check_rows(entities: Mapping[int, Mapping[str, Any]], keys: Sequence[EntityKey]) -> None:
    """Raise :class:`Fault` 422 for the first of the entities (by position) that has not exactly the keys, each of its
    type."""
    allowed = {key.join_key: key.type for key in keys}
    names = allowed.keys()
    checks = [(name, CHECKS[kind]) for name, kind in allowed.items()]
    for position, entity in entities.items():
        if entity.keys() == names and all(is_one(entity[name]) for name, is_one in checks):
            continue
        _explain(f"entities[{position}]", entity, allowed)


def _is_text(value: Any) -> bool:
    # A lone surrogate, which JSON can escape, is no character: no store takes it.
    return isinstance(value, str) and (value.isascii() or not any("\ud800" <= each <= "\udfff" for each in value))


def _is_int64(value: Any) -> bool:
    return isinstance(value, int) and value is not True and value is not False and -(2**63) <= value < 2**63


def _is_float64(value: Any) -> bool:
    return isinstance(value, (int, float)) and value is not True and value is not False and abs(value) <= LARGEST


def _is_bool(value: Any) -> bool:
    return value is True or value is False


#: ``bool`` is an ``int`` in Python: told apart here. NaN and infinities are in no range.
CHECKS: dict[str, Callable[[Any], bool]] = {
    "string": _is_text,
    "int64": _is_int64,
    "float64": _is_float64,
    "bool": _is_bool,
    "timestamp": _is_text,
}


def _entities(document: Any, max_batch: int) -> list[dict[str, Any]]:
    if not isinstance(document, Mapping) or set(document) != {"entities"}:
        raise Fault(422, "the body has one key, entities", value=_show(document), fix='send {"entities": [{…}]}')
    entities = document["entities"]
    if not isinstance(entities, list):
        raise Fault(422, "entities is not a list", path="entities", value=_show(entities), allowed="a list of objects")
    if not entities:
        raise Fault(422, "entities is empty", path="entities", allowed=f"1 to {max_batch} rows")
    if len(entities) > max_batch:
        rows = f"1 to {max_batch} rows"
        raise Fault(
            413, "too many entities in one request", "entities", str(len(entities)), rows, "send several requests"
        )
    return entities


def _explain(path: str, entity: Mapping[str, Any], allowed: Mapping[str, str]) -> None:
    """Raise for what is wrong with a row."""
    names = ", ".join(sorted(allowed))
    for name in sorted(set(entity) - set(allowed)):
        raise Fault(422, "unknown key", path=f"{path}.{name}", value=_show(entity[name]), allowed=names)
    for name, kind in allowed.items():
        if name not in entity:
            raise Fault(422, "missing key", path=f"{path}.{name}", allowed=WORDS[kind], fix=f"add {name}")
        if not CHECKS[kind](entity[name]):
            raise Fault(422, "wrong type", path=f"{path}.{name}", value=_show(entity[name]), allowed=WORDS[kind])


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
