"""Registrations as Terraform's JSON: what tools that judge infrastructure code read."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from tests.support.aws.registrations import Registration, made
from tests.support.aws.types import TYPES

#: Pulumi's property → Terraform's, where one is not the other in snake case.
NAMES = {
    "aws_route53_record": {"aliases": "alias"},
    "aws_launch_template": {"tag_specifications": "tag_specifications"},
}
#: Blocks that Terraform names in the singular, and Pulumi in the plural since there may be several.
SINGULAR = {
    "rules": "rule", "parameters": "parameter", "routes": "route", "taints": "taint",
    "default_actions": "default_action", "transitions": "transition",
    "log_delivery_configurations": "log_delivery_configuration",
    "encryption_configurations": "encryption_configuration",
}  # fmt: skip
#: Values whose keys are the user's own.
FREE = ("tags", "labels")


def document(registrations: Iterable[Registration]) -> dict[str, Any]:
    """Return the resources of AWS among some registrations as a Terraform document."""
    labelled: dict[tuple[str, str], Registration] = {}
    for each in registrations:
        if each.type in TYPES:
            labelled[TYPES[each.type], _label(each, labelled)] = each
    names = {}
    for (kind, label), each in labelled.items():
        id, arn = made(each.type, each.name)
        names |= {id: f"${{{kind}.{label}.id}}", arn: f"${{{kind}.{label}.arn}}"}
    resources: dict[str, dict[str, Any]] = {}
    for (kind, label), each in labelled.items():
        resources.setdefault(kind, {})[label] = _referring(_block(kind, each.inputs), names)
    return {"resource": resources}


def _referring(value: Any, names: Mapping[str, str]) -> Any:
    """Return a value with references in the place of other resources' ids and ARNs: rules ask who names whom."""
    if isinstance(value, Mapping):
        return {key: _referring(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [_referring(each, names) for each in value]
    return names.get(value, value) if isinstance(value, str) else value


def _label(each: Registration, taken: Mapping[tuple[str, str], Any]) -> str:
    label = re.sub(r"[^A-Za-z0-9_-]", "-", each.name)
    return label if (TYPES[each.type], label) not in taken else f"{label}-2"


def _block(kind: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
    block: dict[str, Any] = {}
    for key, value in inputs.items():
        name = re.sub(r"([A-Z])", lambda found: f"_{found[1].lower()}", key)
        name = NAMES.get(kind, {}).get(name, SINGULAR.get(name, name))
        block[name] = value if key in FREE else _value(kind, value)
    return block


def _value(kind: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _block(kind, value)
    if isinstance(value, list):
        return [_value(kind, each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
