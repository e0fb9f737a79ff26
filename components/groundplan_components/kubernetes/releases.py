"""Upstream operators as their releases ship them: data beside the code (``python -m groundplan.tools.manifests``)."""

import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place


@cache
def release(name: str) -> tuple[Manifest, ...]:
    """Return the objects of a release: ``<operator>-v<version>``, as its file is named."""
    return tuple(json.loads(files(__package__).joinpath("manifests", f"{name}.json").read_text(encoding="utf-8")))


def types(name: str) -> list[Manifest]:
    """Return the CustomResourceDefinitions of a release."""
    return [each for each in release(name) if each["kind"] == "CustomResourceDefinition"]


def bound(found: Manifest, account: str, component: str, place: Place) -> Iterator[tuple[str, Manifest]]:
    """Yield a release's Role or ClusterRole and its binding to ``account`` of a place: suffix of a title → manifest.

    A ClusterRole is named after the place, too: another stack's may stand beside it.
    """
    kind, wide = found["kind"], found["kind"] == "ClusterRole"
    name = f"{found['metadata']['name']}" if not wide else f"{place.namespace}-{found['metadata']['name']}"
    where = {} if wide else {"namespace": place.namespace}
    metadata = {"name": name, **where, "labels": place.labels(account, component)}
    head = {"apiVersion": found["apiVersion"], "metadata": metadata}
    subject = {"kind": "ServiceAccount", "name": account, "namespace": place.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
    suffix = "cluster-role" if wide else "role"
    yield suffix, {**head, "kind": kind, "rules": found["rules"]}
    yield f"{suffix}-binding", {**head, "kind": f"{kind}Binding", "roleRef": reference, "subjects": [subject]}
