"""JSON Schemas of what people write, for editors: relaxed where composition fills in the rest."""

import json
from pathlib import Path
from typing import Any

from groundplan.spec import Model, ProjectSpec, StackSpec

FOLDER = "schemas"
_MODELS: dict[str, type[Model]] = {"project.json": ProjectSpec, "stack.json": StackSpec}
#: Collections that a project keeps in folders of their names: `feature_views/weather.yaml` and the like.
GROUPS = ("entities", "data_sources", "feature_views", "feature_services", "training", "serving")
#: What may stand for any value: an interpolation, or the word for a value that somebody else gives.
_LATER = {"type": "string", "pattern": r"\$\{|^\?\?\?$"}
_DEFAULTS = {
    "description": "Hydra's defaults list: the groups that this file is made of, in order.",
    "type": "array",
    "items": {"type": ["string", "object"]},
}


def documents() -> dict[str, str]:
    """Return every schema as it is to be written: file name → text."""
    documents = {name: _document(model.model_json_schema()) for name, model in _MODELS.items()}
    return documents | {f"{group}.json": _document(_group(group)) for group in GROUPS}


def write(root: Path) -> list[Path]:
    """Write the schemas of a checkout; return their paths."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    texts = documents()
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in texts]


def is_stale(root: Path) -> bool:
    """Return whether the schemas checked in differ from what the spec says now."""
    return any(_read(root / FOLDER / name) != text for name, text in documents().items())


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _group(group: str) -> dict[str, Any]:
    """Return the schema of a file in a group's folder: the names and objects of that collection."""
    whole = ProjectSpec.model_json_schema()
    return {**whole["properties"][group], "$defs": whole["$defs"]}


def _document(schema: dict[str, Any]) -> str:
    for definition in schema.get("$defs", {}).values():
        _relax(definition)
    _relax(schema)
    schema.setdefault("properties", {})["defaults"] = _DEFAULTS
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
    return json.dumps(schema, indent=1, sort_keys=True) + "\n"


def _relax(schema: dict[str, Any]) -> None:
    """Let any value be given later, and no key be required: another file of the composition may give it."""
    for field in ("required", "title", "minProperties"):
        schema.pop(field, None)
    for name, inner in schema.get("properties", {}).items():
        schema["properties"][name] = _or_later(inner)
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = _or_later(schema["additionalProperties"])
    if isinstance(schema.get("items"), dict):
        schema["items"] = _or_later(schema["items"])
    for inner in schema.get("anyOf", []):
        _relax(inner)


def _or_later(schema: dict[str, Any]) -> dict[str, Any]:
    _relax(schema)
    outside: dict[str, Any] = {key: schema.pop(key) for key in ("default", "description") if key in schema}
    return {"anyOf": [schema, _LATER], **outside}
