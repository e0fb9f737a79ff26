"""Pure part of the test provider: what an object should be, what of it really is, and which changes replace it."""

import base64
from collections.abc import Mapping
from typing import Any

from groundplan.provider.diff import Changes

Plain = dict[str, Any]
MISSING = object()
#: Where the state keeps what was declared, as the official plugin does.
INPUTS = "__inputs"
#: Properties whose change makes a new object, by API group and kind; ``*``: of every kind.
REPLACING: dict[tuple[str, str], tuple[str, ...]] = {
    ("*", "*"): ("apiVersion", "kind", "metadata.name", "metadata.namespace"),
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.podManagementPolicy",
        "spec.revisionHistoryLimit",
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
    ),
    ("batch", "Job"): ("spec.completions", "spec.parallelism", "spec.selector", "spec.template"),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): ("parameters", "provisioner"),
    ("", "PersistentVolumeClaim"): ("spec",),
    ("", "Pod"): ("spec",),
    ("", "ResourceQuota"): ("spec.scopes",),
    ("", "Service"): ("spec.clusterIP",),
}
#: Replaced too, unless the provider's option says that they may change in place.
MUTABLE_BY_OPTION = {
    "ConfigMap": ("enableConfigMapMutable", ("data", "binaryData")),
    "Secret": ("enableSecretMutable", ("data", "stringData", "type")),
}


def desired(inputs: Mapping[str, Any]) -> Plain:
    """Return the manifest to apply: no nulls, no properties of Pulumi's, a Secret's ``stringData`` as ``data``."""
    plain: Plain = _without_nulls({k: v for k, v in inputs.items() if not k.startswith("__")})
    text = plain.pop("stringData", None) if plain.get("kind") == "Secret" else None
    if text:
        coded = {k: base64.b64encode(v.encode()).decode() if isinstance(v, str) else v for k, v in text.items()}
        plain["data"] = {**plain.get("data", {}), **coded}
    return plain


def _without_nulls(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value


def actual(declared: Any, live: Any, ideal: Any) -> Any:
    """Return ``declared`` with what is really there wherever ``live`` is not as it would be after an apply (``ideal``).

    The API server fills in defaults and rewrites quantities; what it makes of a declaration only it knows, so ``ideal``
    is its own answer to a dry run. Fields that other managers own differ in neither, and are none of ours.
    """
    if live == ideal:
        return declared
    if isinstance(declared, Mapping) and isinstance(live, Mapping) and isinstance(ideal, Mapping):
        pairs = {k: actual(v, live.get(k, MISSING), ideal.get(k, MISSING)) for k, v in declared.items()}
        return {key: value for key, value in pairs.items() if value is not MISSING}
    lists = all(isinstance(each, list) for each in (declared, live, ideal))
    if lists and len(declared) == len(live) == len(ideal):
        return [actual(*each) for each in zip(declared, live, ideal, strict=True)]
    return live


def state(live: Mapping[str, Any], declared: Mapping[str, Any], manager: str) -> Plain:
    """Return the state of a resource: the live object without its field managers, and what was declared."""
    metadata = {k: v for k, v in live["metadata"].items() if k != "managedFields"}
    kept = {INPUTS: dict(declared), "__fieldManager": manager, "__initialApiVersion": declared["apiVersion"]}
    return {**live, "metadata": metadata, **kept}


def replacing(manifest: Mapping[str, Any], changes: Changes, options: Mapping[str, Any]) -> list[str]:
    """Return the changed paths that make a new object."""
    group = manifest["apiVersion"].rpartition("/")[0]
    kind = manifest["kind"]
    prefixes = [*REPLACING["*", "*"], *REPLACING.get((group, kind), ())]
    if not group and kind in MUTABLE_BY_OPTION:
        option, paths = MUTABLE_BY_OPTION[kind]
        prefixes += () if str(options.get(option)).lower() == "true" else paths
    return [path for path in changes if any(_below(path, prefix) for prefix in prefixes)]


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith((f"{prefix}.", f"{prefix}["))
