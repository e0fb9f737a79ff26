"""Kubernetes objects as files for Kustomize: one object a file, in an order that does not change.

Secrets are never written. With a secret store declared, an ExternalSecret (https://external-secrets.io) stands for
each; without one it is left out, and the index says so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Object = Mapping[str, Any]
#: Kinds that others need, in the order in which they are applied; the rest follows by name.
ORDER = (
    "Namespace", "CustomResourceDefinition", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "PriorityClass", "StorageClass", "ResourceQuota", "LimitRange", "NetworkPolicy", "ServiceAccount", "Role",
    "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ExternalSecret", "ConfigMap", "PersistentVolumeClaim",
    "Service", "PodDisruptionBudget", "StatefulSet", "Deployment", "DaemonSet", "HorizontalPodAutoscaler", "Job",
    "CronJob",
)  # fmt: skip
INDEX = "kustomization.yaml"
MARK = "Written by `groundplan render`"


@dataclass(frozen=True)
class Rendered:
    """What is written: file name → document, in order; ``left_out``: objects that no file stands for."""

    files: Mapping[str, Object]
    left_out: tuple[str, ...]


def rendered(
    objects: Iterable[Object], stack: str, secret_store: str | None, unknown: Iterable[Object] = ()
) -> Rendered:
    """Return the files of a stack's objects; ``unknown`` ones are left out. ValueError for two of one kind and name."""
    found: dict[str, Object] = {}
    left_out = [title(each) for each in unknown]
    for each in objects:
        if each["kind"] == "Secret":
            if secret_store is None:
                left_out.append(title(each))
                continue
            each = external_secret(each, stack, secret_store)
        name = file_name(each)
        if name in found:
            raise ValueError(f"two objects are called {title(each)}")
        found[name] = each
    order = sorted(found, key=lambda name: (_rank(found[name]), name))
    return Rendered({name: found[name] for name in order}, tuple(sorted(left_out)))


def index(result: Rendered) -> Object:
    """Return the ``kustomization.yaml``."""
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": list(result.files),
    }


def head(result: Rendered, stack: str) -> str:
    """Return the comment over the index: where it is from, and what is not in it."""
    lines = [f"{MARK} {stack}; do not edit: change stacks/{stack}.yaml and render again."]
    if result.left_out:
        what = "What is secret, or made by the first `up`, is not written."
        lines.append(f"{what} Make these in the cluster, or declare gitops.secret_store for Secrets:")
        lines += [f"  {each}" for each in result.left_out]
    return "".join(f"# {line}\n" for line in lines)


def external_secret(secret: Object, stack: str, store: str) -> Object:
    """Return what makes a Secret from a store: its key is ``<stack>/<namespace>/<name>``, a property each."""
    metadata = secret["metadata"]
    namespace, name = metadata["namespace"], metadata["name"]
    keys = sorted({**(secret.get("data") or {}), **(secret.get("stringData") or {})})
    remote = f"{stack}/{namespace}/{name}"
    return {
        "apiVersion": "external-secrets.io/v1",
        "kind": "ExternalSecret",
        "metadata": {"name": name, "namespace": namespace, "labels": dict(metadata.get("labels") or {})},
        "spec": {
            "refreshInterval": "1h",
            "secretStoreRef": {"kind": "ClusterSecretStore", "name": store},
            "target": {"name": name, "creationPolicy": "Owner", "template": {"type": secret.get("type", "Opaque")}},
            "data": [{"secretKey": key, "remoteRef": {"key": remote, "property": key}} for key in keys],
        },
    }


def later(thing: Any, mark: str) -> Sequence[str]:
    """Return where in an object a value stands that is only known when something has been made."""
    if isinstance(thing, Mapping):
        return [f"{key}.{path}".rstrip(".") for key, each in thing.items() for path in later(each, mark)]
    if isinstance(thing, list):
        return [f"{number}.{path}".rstrip(".") for number, each in enumerate(thing) for path in later(each, mark)]
    return [""] if isinstance(thing, str) and mark in thing else []


def without_annotations(thing: Any, mark: str) -> Any:
    """Return an object without the annotations, its own or its pods', whose values hold ``mark``."""
    if isinstance(thing, list):
        return [without_annotations(each, mark) for each in thing]
    if not isinstance(thing, Mapping):
        return thing
    found = {}
    for key, each in thing.items():
        if key == "annotations" and isinstance(each, Mapping):
            each = {name: value for name, value in each.items() if mark not in str(value)}
        found[key] = without_annotations(each, mark)
    return found


def file_name(thing: Object) -> str:
    """Return the file of an object: ``<kind>-<namespace>-<name>.yaml``, a cluster's own without a namespace."""
    metadata = thing["metadata"]
    parts = (thing["kind"].lower(), metadata.get("namespace", ""), metadata["name"])
    return "-".join(part for part in parts if part).replace(":", "-") + ".yaml"


def title(thing: Object) -> str:
    """Return how an object is called in messages."""
    metadata = thing["metadata"]
    return f"{thing['kind']} {'/'.join(part for part in (metadata.get('namespace'), metadata['name']) if part)}"


def _rank(thing: Object) -> int:
    return ORDER.index(thing["kind"]) if thing["kind"] in ORDER else len(ORDER)
