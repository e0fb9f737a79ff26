"""What a prediction request must be: checked before any tier is asked."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from groundplan_serving.config import EntityKey
from groundplan_serving.errors import Fault

#: Types of the YAML, and what JSON may carry for them. ``bool`` is an ``int`` in Python and is told apart below.
JSON_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "int64": (int,),
    "float64": (int, float),
    "bool": (bool,),
    "timestamp": (str,),
}
MAX_BODY_BYTES = 4 * 1024 * 1024


def parse(body: bytes, max_batch: int) -> list[dict[str, Any]]:
    """Return the entities of a request, one dict a row. Raises :class:`Fault` (4xx) with the first mistake."""
    if len(body) > MAX_BODY_BYTES:
        raise Fault(413, "the request is too large", value=f"{len(body)} bytes", allowed=f"up to {MAX_BODY_BYTES}")
    try:
        document = json.loads(body)
    except ValueError as error:
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
    kinds = [(name, JSON_TYPES[kind], kind == "bool") for name, kind in allowed.items()]
    for position, entity in entities.items():
        if entity.keys() == names and all(
            isinstance(entity[name], kind) and (flag or (entity[name] is not True and entity[name] is not False))
            for name, kind, flag in kinds
        ):
            continue
        _explain(f"entities[{position}]", entity, allowed)


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
            raise Fault(422, "missing key", path=f"{path}.{name}", allowed=f"a {kind}", fix=f"add {name}")
        if not _is_a(entity[name], kind):
            raise Fault(422, "wrong type", path=f"{path}.{name}", value=_show(entity[name]), allowed=f"a {kind}")


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "bool":
        return False
    return isinstance(value, JSON_TYPES[kind])


def _show(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
