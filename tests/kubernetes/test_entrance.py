"""A Kind stack that is entered by the Gateway API, on a real API server: types, rules and scheduler are real.

Envoy Gateway and cert-manager themselves do not run here: their pods are simulated, and Envoy Gateway's proxies are
made below as its source makes them.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.spec.cluster import NODE_PORTS
from tests.kubernetes.test_kind_objects import MANAGER, _applied, _plain, _ready
from tests.support.kube.api import Api, ApiError, Name, UnknownKind, name_of
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.recorded import Recorded

NAMESPACE = "groundplan"
INGRESS = {"host": "ml.example.org", "api": "gateway", "class_name": "envoy", "issuer": "ml"}
#: What the rest of the stack is made of is test_kind_objects' to show.
OURS = ("entrance-", "ingress-", "admission-", "tenancy-platform-network-", "cert-manager-", "certificates-")
FOREIGN = ("EnvoyProxy", "GatewayClass", "Gateway", "HTTPRoute", "BackendTLSPolicy", "ClusterIssuer", "Certificate")
#: Nobody would answer: they are looked at, and not left there.
ASKED = ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    made = Recorded({"cluster": {"ingress": INGRESS}, "security": {"certificates": {}}}).objects()
    found = [_plain(each) for title, each in made.items() if title.startswith(OURS) or title == "namespace"]
    return sorted(found, key=lambda each: each["kind"] in ASKED)


@pytest.fixture(scope="module")
def kept(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in objects if each["kind"] not in ASKED]


@pytest.fixture(scope="module")
def api(cluster: ControlPlane, kept: list[dict[str, Any]]) -> Iterator[Api]:
    found = cluster.api
    for each in kept:
        _applied(found, each)
    yield found
    # Types last: a namespace that ends while they do may wait long for what it takes to be in it.
    types = [each for each in kept if each["kind"] == "CustomResourceDefinition"]
    for some in ([each for each in kept if each not in types], types):
        for each in reversed(some):
            found.delete(name_of(each), "Background")
        until(lambda some=some: not any(_there(found, each) for each in some), "all of it is gone", 180)


def _there(api: Api, thing: dict[str, Any]) -> bool:
    try:
        return api.get(name_of(thing)) is not None
    except UnknownKind:
        return False


def _of(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    return next(each for each in objects if each["kind"] == kind)


def test_every_object_is_taken_and_a_second_time_changes_nothing(api: Api, kept: list[dict[str, Any]]) -> None:
    assert {each["kind"] for each in kept} > set(FOREIGN)
    for each in kept:
        before = api.get(name_of(each)) or {}
        after = api.apply(each, MANAGER)
        assert after["metadata"].get("generation") == before["metadata"].get("generation"), name_of(each)


def test_its_webhooks_are_taken(api: Api, objects: list[dict[str, Any]]) -> None:
    found = [each for each in objects if each["kind"] in ASKED]
    assert len(found) == 2
    for each in found:
        assert api.apply(each, MANAGER, dry_run=True)["webhooks"]


def test_cert_manager_is_let_in_placed_and_ready(api: Api, objects: list[dict[str, Any]]) -> None:
    """Its namespace takes restricted pods only, and goes by the stack's rules."""
    servers = [name_of(each) for each in objects if each["kind"] == "Deployment"]
    found = [each for each in servers if each.namespace == "cert-manager"]
    assert len(found) == 3
    for name in found:
        until(lambda name=name: _ready(api.get(name) or {}), f"{name} is ready", 120)
    check = name_of(_of(objects, "Job"))
    until(lambda: bool((api.get(check) or {}).get("status", {}).get("succeeded")), f"{check} is done", 120)


@pytest.mark.parametrize("kind", FOREIGN)
def test_what_a_type_does_not_have_is_refused(api: Api, objects: list[dict[str, Any]], kind: str) -> None:
    each = _of(objects, kind)
    with pytest.raises(ApiError, match="field not declared in schema"):
        api.apply({**each, "spec": {**each["spec"], "nonsense": 1}}, MANAGER, dry_run=True)


def test_the_controllers_pod_is_let_in_placed_and_ready(api: Api, objects: list[dict[str, Any]]) -> None:
    server = Name("apps/v1", "Deployment", NAMESPACE, "envoy-gateway")
    until(lambda: _ready(api.get(server) or {}), f"{server} is ready", 120)


def test_the_proxies_pass_the_rules_and_have_the_gateways_door(api: Api, objects: list[dict[str, Any]]) -> None:
    for each in _proxies(_of(objects, "EnvoyProxy")["spec"]["provider"]["kubernetes"]):
        api.apply(each, MANAGER)
    server = Name("apps/v1", "Deployment", NAMESPACE, "proxy")
    until(lambda: _ready(api.get(server) or {}), "proxies are ready", 120)
    [port] = (api.get(Name("v1", "Service", NAMESPACE, "proxy")) or {})["spec"]["ports"]
    assert port["nodePort"] == NODE_PORTS["gateway"]


def test_proxies_without_what_is_declared_of_them_are_refused(api: Api, objects: list[dict[str, Any]]) -> None:
    declared = _of(objects, "EnvoyProxy")["spec"]["provider"]["kubernetes"]
    _, deployment, _ = _proxies(declared)
    containers = deployment["spec"]["template"]["spec"]["containers"]
    for change in ({"resources": {}}, {"image": "docker.io/envoyproxy/envoy:distroless-dev"}):
        pod = {**deployment["spec"]["template"]["spec"], "containers": [{**containers[0], **change}, containers[1]]}
        spec = {**deployment["spec"], "template": {**deployment["spec"]["template"], "spec": pod}}
        with pytest.raises(ApiError, match="groundplan"):
            api.apply({**deployment, "spec": spec}, MANAGER, dry_run=True)


def _proxies(declared: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """As ``internal/infrastructure/kubernetes/proxy`` of Envoy Gateway 1.9.1 does it, where our rules look at it."""
    told, service = declared["envoyDeployment"], declared["envoyService"]
    labels = {"app.kubernetes.io/name": "envoy", "app.kubernetes.io/component": "proxy"}
    head = {"namespace": NAMESPACE, "labels": labels}
    inner = {
        "allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "privileged": False, "runAsNonRoot": True,
        "runAsUser": 65532, "runAsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    [stopper] = told["patch"]["value"]["spec"]["template"]["spec"]["containers"]
    containers = [
        {"name": "envoy", "command": ["envoy"], "securityContext": inner, **told["container"]},
        {**stopper, "image": "docker.io/envoyproxy/gateway:v1.9.1", "securityContext": inner},
    ]
    pod = {
        "serviceAccountName": declared["envoyServiceAccount"]["name"],
        "automountServiceAccountToken": False,
        "securityContext": told["pod"]["securityContext"],
        "containers": containers,
    }
    template = {"metadata": {"labels": {**labels, **told["pod"]["labels"]}}, "spec": pod}
    body = {"replicas": told["replicas"], "selector": {"matchLabels": labels}, "template": template}
    [port] = service["patch"]["value"]["spec"]["ports"]
    reached = {"type": service["type"], "selector": labels, "ports": [{"name": "https", "targetPort": 10443, **port}]}
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**head, "name": "proxy"}}
    return (
        {**account, "automountServiceAccountToken": False},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {**head, "name": told["name"]}, "spec": body},
        {"apiVersion": "v1", "kind": "Service", "metadata": {**head, "name": service["name"]}, "spec": reached},
    )
