"""Objects of other projects' types, which a stack may declare: judged by those projects' own, on a real API server."""

from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.targets.kustomize import external_secret
from tests.kubernetes.test_kind_objects import MANAGER, _applied, _plain
from tests.support.kube.api import Api, ApiError, Name, UnknownKind, name_of
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.foreign_types import foreign_types
from tests.support.recorded import Recorded

NAMESPACES = ("groundplan", "argocd", "cert-manager")
#: Everything that a stack can say of what others run in its cluster; with an address of ACME, and without.
CLUSTER = {
    "ingress": {"host": "ml.example.org", "api": "gateway", "class_name": "envoy", "issuer": "ml"},
    "parts": {
        "gateway": {"scale": {"max": 6, "events": ({"query": "sum(rate(requests[1m]))", "threshold": 200},)}},
        "mlflow": {"right_size": "recommend"},
        "database": {"right_size": "apply"},
    },
}
GITOPS = {"repository": "https://git.example.org/ml/platform.git", "path": "rendered/prod"}
STACK = {"target": "kubernetes", "kubernetes": {"context": "prod"}, "cluster": CLUSTER, "gitops": GITOPS}
SECRET = {
    "kind": "Secret",
    "metadata": {"name": "x", "namespace": "groundplan", "labels": {"a": "b"}},
    "stringData": {"password": "x"},
}
KINDS = {
    "Gateway", "HTTPRoute", "BackendTLSPolicy", "ScaledObject", "VerticalPodAutoscaler", "ClusterIssuer", "Certificate",
    "Application", "ExternalSecret",
}  # fmt: skip


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    types = {(each["spec"]["group"], each["spec"]["names"]["kind"]) for each in foreign_types()}
    found = [dict(external_secret(SECRET, "prod", "vault"))]
    for certificates in ({}, {"acme_email": "ops@example.org"}):
        made = Recorded({**STACK, "security": {"certificates": certificates}}).objects().values()
        found += [_plain(each) for each in made if (each["apiVersion"].partition("/")[0], each["kind"]) in types]
    return found


@pytest.fixture(scope="module")
def api(cluster: ControlPlane) -> Iterator[Api]:
    """A cluster that knows the types; no controller of theirs runs, but those that others' tests bring."""
    spaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in NAMESPACES]
    made = [*foreign_types(), *spaces]
    for each in made:
        cluster.api.apply(each, MANAGER)
    until(lambda: all(_served(cluster.api, each) for each in foreign_types()), "every type is served", 300)
    yield cluster.api
    for each in reversed(made):
        cluster.api.delete(name_of(each), "Background")
    left = [Name("v1", "Namespace", None, name) for name in NAMESPACES]
    until(lambda: not any(cluster.api.get(name) for name in left), "namespaces gone", 120)


def _served(api: Api, definition: dict[str, Any]) -> bool:
    spec = definition["spec"]
    try:
        return bool(api.kind(f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"]))
    except UnknownKind:
        return False


def test_every_kind_is_asked_about(objects: list[dict[str, Any]]) -> None:
    assert {each["kind"] for each in objects} == KINDS


def test_each_is_taken_and_a_second_time_changes_nothing(api: Api, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        _applied(api, each)
        before = api.get(name_of(each)) or {}
        after = api.apply(each, MANAGER)
        assert (after["metadata"]["generation"], after["spec"]) == (before["metadata"]["generation"], before["spec"])


def test_what_a_type_does_not_have_is_refused(api: Api, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        with pytest.raises(ApiError, match="field not declared in schema"):
            api.apply({**each, "spec": {**each["spec"], "nonsense": 1}}, MANAGER, dry_run=True)


def test_what_their_own_rules_forbid_is_refused(api: Api, objects: list[dict[str, Any]]) -> None:
    """The types' rules are asked, too: a listener of HTTPS has a certificate, names of listeners differ."""
    gateway = next(each for each in objects if each["kind"] == "Gateway")
    listeners = gateway["spec"]["listeners"]
    for bad in ([{**listeners[1], "protocol": "HTTP"}], [listeners[1], {**listeners[2], "name": listeners[1]["name"]}]):
        with pytest.raises(ApiError, match=r"Invalid value|tls|name"):
            api.apply({**gateway, "spec": {**gateway["spec"], "listeners": bad}}, MANAGER, dry_run=True)
