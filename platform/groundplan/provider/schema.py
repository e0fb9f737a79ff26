"""The plugin's schema, made from the table: what other languages and tools read."""

import json
from collections.abc import Mapping
from typing import Any

from groundplan.provider.local_table import LOCAL, LocalType
from groundplan.provider.table import KINDS, TYPES, Kind, Prop

VERSION = "0.1.0"
#: The provider's configuration: only what the plan knows, so that no preview is left empty.
CONFIG = {
    "stack_id": Prop("text", "The stack that owns what is managed."),
    "endpoint": Prop("text", "URL of the control plane."),
    "token_file": Prop("text", "File with the control plane's token; read when it is used."),
}


def schema_json() -> str:
    """Return the Pulumi package schema as JSON."""
    config = {key: _schema(prop) for key, prop in CONFIG.items()}
    rows: list[Kind | LocalType] = [*KINDS.values(), *LOCAL]
    document = {
        "name": "groundplan",
        "version": VERSION,
        "description": "A governed ML platform from one declaration.",
        "config": {"variables": config},
        "provider": {"inputProperties": config, "properties": config},
        "resources": {row.token: _resource(row.about, row.inputs, row.outputs) for row in rows},
        "language": {"python": {"respectSchemaVersion": True}},
    }
    return json.dumps(document, sort_keys=True)


def _resource(about: str, inputs: Mapping[str, Prop], outputs: Mapping[str, Prop]) -> dict[str, Any]:
    both = {**inputs, **outputs}
    return {
        "description": about,
        "inputProperties": {key: _schema(prop) for key, prop in inputs.items()},
        "requiredInputs": _required(inputs),
        "properties": {key: _schema(prop) for key, prop in both.items()},
        "required": _required(both),
    }


def _required(props: Mapping[str, Prop]) -> list[str]:
    return [key for key, prop in props.items() if not prop.optional]


def _schema(prop: Prop) -> dict[str, Any]:
    return {"description": prop.about, **TYPES[prop.type][1], **({"secret": True} if prop.secret else {})}
