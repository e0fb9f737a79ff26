"""The rules as ValidatingAdmissionPolicies: the API server itself refuses what breaks one, nothing is installed.

One policy a shape (pods, workloads, jobs, …) with one validation a rule, bound to the namespaces that carry
:data:`ENFORCED`. Pods are asked too, not only what makes them: a pod can be made by hand, or by an operator.
Protocol: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from groundplan.rules.model import Rule, Settings, Shape
from groundplan.rules.table import RULES, SHAPES

Mode = Literal["enforce", "warn"]
#: Label of the namespaces that the rules are for.
ENFORCED = "groundplan.dev/admission"
_VERSION = "admissionregistration.k8s.io/v1"
#: Where containers are. Each list is asked by itself: the ephemeral ones are of another type.
_EVERY = {
    "container": ("containers", "initContainers"),
    "any_container": ("containers", "initContainers", "ephemeralContainers"),
}


def admission_manifests(
    name: str, settings: Settings, mode: Mode, labels: Mapping[str, str], rules: Sequence[Rule] = RULES
) -> list[dict[str, Any]]:
    """Return policies and bindings, sorted; ``name`` sets them apart from those of other stacks on the cluster."""
    made = []
    for shape in SHAPES:
        validations = [_validation(rule, settings) for rule in rules if _asks(rule, shape)]
        if validations:
            made += [_policy(f"{name}-{shape.name}", shape, validations, labels)]
            made += [_binding(f"{name}-{shape.name}", name, mode, labels)]
    return made


def expression(rule: Rule, settings: Settings) -> str:
    """Return a rule's whole CEL expression over ``object`` and ``variables.templates``."""
    named = {"$registries": settings.registries, "$images": settings.images, "$names": settings.names}
    cel = rule.cel.replace("$platform", f"'{settings.platform}'")
    for name, values in named.items():
        cel = cel.replace(name, _list(values))
    if rule.subject == "object":
        return cel
    if rule.subject == "template":
        return f"variables.templates.all(t, {cel})"
    return " && ".join(f"variables.templates.all(t, {each})" for each in _over_containers(rule, cel))


def _over_containers(rule: Rule, cel: str) -> Iterator[str]:
    for name in _EVERY[rule.subject]:
        over = f"t.spec.{name}.all(c, {cel})"
        yield over if name == "containers" else f"(!has(t.spec.{name}) || {over})"


def _asks(rule: Rule, shape: Shape) -> bool:
    return bool(set(rule.kinds) & set(shape.kinds)) if rule.subject == "object" else bool(shape.templates)


def _validation(rule: Rule, settings: Settings) -> dict[str, str]:
    message = f"groundplan/{rule.id}: {rule.refuses} is refused; fix: {rule.fix}"
    return {"expression": expression(rule, settings), "message": message, "reason": "Forbidden"}


def _policy(
    name: str, shape: Shape, validations: Sequence[Mapping[str, str]], labels: Mapping[str, str]
) -> dict[str, Any]:
    matched = {
        "apiGroups": [shape.group],
        "apiVersions": [shape.version],
        "operations": ["CREATE", "UPDATE"],
        "resources": list(shape.resources),
        "scope": "Namespaced",
    }
    # What is on its way out may have its finalizers removed, whatever it is.
    conditions = [{"name": "stays", "expression": "!has(object.metadata.deletionTimestamp)"}]
    if shape.templates:
        # What a former release's rules let in may be scaled down or suspended by this one's: no roll-out would end.
        changes = f"request.operation == 'CREATE' || !({shape.unchanged})"
        conditions.append({"name": "changes", "expression": changes})
    spec: dict[str, Any] = {
        # A policy that cannot be evaluated refuses: an open door is no default.
        "failurePolicy": "Fail",
        "matchConstraints": {"matchPolicy": "Equivalent", "resourceRules": [matched]},
        "matchConditions": conditions,
        "validations": list(validations),
    }
    if shape.templates:
        spec["variables"] = [{"name": "templates", "expression": shape.templates}]
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": _VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec}


def _binding(name: str, stack: str, mode: Mode, labels: Mapping[str, str]) -> dict[str, Any]:
    chosen = {"namespaceSelector": {"matchLabels": {ENFORCED: stack}}}
    actions = {"enforce": ["Deny", "Audit"], "warn": ["Warn", "Audit"]}[mode]
    spec = {"policyName": name, "validationActions": actions, "matchResources": chosen}
    metadata = {"name": name, "labels": dict(labels)}
    return {"apiVersion": _VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": spec}


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"
