"""A Kind cluster that is entered by the Gateway API: what serves it, in which order, and who may talk to whom."""

from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tests.components.kubernetes.reading import Pod, may
from tests.support.recorded import Recorded

from groundplan.spec.cluster import NODE_PORTS
from groundplan.tools.manifests import CERT_MANAGER_VERSION, ENVOY_IMAGE, ENVOY_VERSION, GATEWAY_API_VERSION
from groundplan_components.kubernetes import envoy_gateway, releases
from groundplan_components.kubernetes.images import CERT_MANAGER, PROXIED

OUTSIDE = Pod(address="203.0.113.7")
INGRESS = {"host": "ml.example.org", "api": "gateway", "class_name": "envoy"}


@pytest.fixture(scope="module")
def deployed() -> Recorded:
    return Recorded({"cluster": {"ingress": INGRESS}})


@pytest.fixture(scope="module")
def issued() -> Recorded:
    return Recorded({"cluster": {"ingress": {**INGRESS, "issuer": "ml"}}, "security": {"certificates": {}}})


@pytest.fixture(scope="module")
def objects(deployed: Recorded) -> dict[str, dict[str, Any]]:
    return deployed.objects()


def test_without_an_ingress_nothing_of_it_is_there() -> None:
    plain = Recorded()
    assert not [title for title in plain.objects() if title.startswith(("entrance", "ingress"))]
    assert not any(image in str(plain.objects()) for image in PROXIED.values())


def test_types_rights_and_image_are_of_one_release() -> None:
    assert envoy_gateway.RELEASE == ENVOY_VERSION
    assert envoy_gateway.API_RELEASE == GATEWAY_API_VERSION
    assert PROXIED["gateway_operator"] == ENVOY_IMAGE
    [shipped] = [each for each in releases.release(envoy_gateway.SHIPPED) if each["kind"] == "Deployment"]
    [container] = shipped["spec"]["template"]["spec"]["containers"]
    assert container["image"] == ENVOY_IMAGE
    assert container["args"] == ["server", "--config-path=/config/envoy-gateway.yaml"]
    assert {each["mountPath"] for each in container["volumeMounts"]} == {"/config", "/certs", "/var/lib/eg/wasm"}


def test_the_stack_answers_at_the_host_port_by_its_host(deployed: Recorded, objects: dict[str, dict[str, Any]]) -> None:
    assert deployed.outputs["gateway"] == "https://ml.example.org:15443"
    service = objects["entrance-proxies"]["spec"]["provider"]["kubernetes"]["envoyService"]
    assert (service["type"], service["externalTrafficPolicy"]) == ("NodePort", "Cluster")
    [port] = service["patch"]["value"]["spec"]["ports"]
    [listener] = objects["ingress-entrance"]["spec"]["listeners"]
    assert (port["port"], port["nodePort"]) == (listener["port"], NODE_PORTS["gateway"])
    [kind] = deployed.requests("groundplan:kind:Cluster").values()
    mapped = MessageToDict(kind.object)["config"]["nodes"][0]["extraPortMappings"]
    door = next(each for each in mapped if each["containerPort"] == port["nodePort"])
    assert (door["hostPort"], door["listenAddress"]) == (15443, "127.0.0.1")
    # No two services want one node port: the gateway has given up its own.
    assert "gateway-door" not in objects
    assert "controlplane-door" in objects


def test_the_gateway_is_known_by_names_that_a_proxy_can_hold_it_to(deployed: Recorded) -> None:
    found = {name: MessageToDict(each.object) for name, each in deployed.requests("groundplan:stack:Cert").items()}
    gateway, proxies = found["gateway-certificate"], found["entrance-certificate"]
    assert gateway["only_hosts"]
    assert proxies["only_hosts"]
    assert gateway["path"] != proxies["path"]
    assert {"ml.example.org", "gateway.groundplan.svc"} <= set(gateway["hosts"])
    assert proxies["hosts"][0] == "envoy-gateway"  # what Envoy Gateway's proxies look for in it


def test_its_certificate_is_the_stacks_or_the_issuers(deployed: Recorded, issued: Recorded) -> None:
    for each, secret, issuer in ((deployed, "gateway-tls", None), (issued, "groundplan-tls", "ml")):
        entrance = each.objects()["ingress-entrance"]
        [listener] = entrance["spec"]["listeners"]
        assert listener["tls"]["certificateRefs"][0]["name"] == secret
        notes = {"cert-manager.io/cluster-issuer": issuer} if issuer else None
        assert entrance["metadata"].get("annotations") == notes
        assert bool(each.outputs.get("gateway_ca")) == (issuer is None)


def test_with_an_issuer_cert_manager_comes_too_and_answers_before_it_is_asked(issued: Recorded) -> None:
    objects = {title: each for title, each in issued.objects().items() if title.startswith("cert-manager-")}
    images = {
        each["image"] for title, _, pod in issued.pods() if title in objects for each in pod["spec"]["containers"]
    }
    assert images == set(CERT_MANAGER.values())
    assert all(image.endswith(f":{CERT_MANAGER_VERSION}") for image in images)
    assert {each["metadata"].get("namespace", "cert-manager") for each in objects.values()} == {"cert-manager"}
    assert all(each["metadata"]["labels"]["groundplan.dev/stack"] == "kind" for each in objects.values())
    job = "cert-manager-job-cert-manager-startupapicheck"
    assert "cert-manager-deployment-cert-manager" in _waits(
        issued, "cert-manager-validatingwebhookconfiguration-cert-manager-webhook"
    )
    assert "cert-manager-validatingwebhookconfiguration-cert-manager-webhook" in _waits(issued, job)
    assert job in _waits(issued, "certificates-issuer")
    # It looks for the Gateway API's types when it starts.
    assert "entrance-gateways.gateway.networking.k8s.io" in _waits(issued, "cert-manager-namespace")
    assert "enableGatewayAPI: true" in objects["cert-manager-configmap-cert-manager"]["data"]["config.yaml"]


def test_cert_managers_namespace_is_as_closed_as_the_platforms(issued: Recorded) -> None:
    objects = issued.objects()
    for label in ("groundplan.dev/admission", "pod-security.kubernetes.io/enforce"):
        assert (
            objects["cert-manager-namespace"]["metadata"]["labels"][label]
            == objects["namespace"]["metadata"]["labels"][label]
        )
    policies = [each for each in objects.values() if each["kind"] == "NetworkPolicy"]
    pod, api_server = Pod("cert-manager"), Pod(address="10.0.0.1")
    assert may(policies, pod, api_server, 6443)
    assert may(policies, api_server, pod, 10250)
    assert not may(policies, pod, api_server, 80)
    assert not may(policies, pod, Pod("groundplan", (("app.kubernetes.io/component", "gateway"),)), 8443)


def test_types_come_first_then_the_controller_then_the_class_then_the_routes(deployed: Recorded) -> None:
    types = {f"entrance-{each['metadata']['name']}" for each in envoy_gateway.foreign_types()}
    assert types | {"entrance-config", "entrance-tls", "entrance-proxy-tls"} <= _waits(deployed, "entrance-workload")
    assert "entrance-workload" in _waits(deployed, "entrance-proxies")
    assert "entrance-proxies" in _waits(deployed, "entrance-class")
    for route in ("ingress-entrance", "ingress-gateway", "ingress-backend"):
        assert {"entrance-class", "gateway-workload"} <= _waits(deployed, route)


def _waits(deployed: Recorded, name: str) -> set[str]:
    """What an object is made after: what it waits for, or what it is part of does."""
    known = {each.name: each for each in deployed.recorder.requests}
    over = [known[name], *(known[each.partition(" ")[2]] for each in deployed.above(known[name]))]
    return {urn.rsplit("::", 1)[-1] for each in over for urn in each.dependencies}


def test_the_controller_has_rights_in_its_namespace_and_reads_little_else(objects: dict[str, dict[str, Any]]) -> None:
    rules = objects["entrance-envoy-gateway-cluster-role"]["rules"]
    assert {each for rule in rules for each in rule["resources"]} == {
        "nodes", "namespaces", "gatewayclasses", "gatewayclasses/status", "serviceimports",
    }  # fmt: skip
    bindings = [each for title, each in objects.items() if title.startswith("entrance-") and "roleRef" in each]
    assert len(bindings) == 4
    for each in bindings:
        assert each["subjects"] == [{"kind": "ServiceAccount", "name": "envoy-gateway", "namespace": "groundplan"}]
    assert '"namespaces": [\n     "groundplan"' in objects["entrance-config"]["data"]["envoy-gateway.yaml"]


def test_people_reach_the_proxies_and_these_the_gateway(objects: dict[str, dict[str, Any]]) -> None:
    policies = [each for each in objects.values() if each["kind"] == "NetworkPolicy"]

    def part(name: str) -> Pod:
        return Pod("groundplan", (("app.kubernetes.io/component", name),))

    assert may(policies, OUTSIDE, part("proxy"), 10443)
    assert may(policies, part("proxy"), part("gateway"), 8443)
    assert may(policies, part("proxy"), part("gateway_operator"), 18000)
    assert not may(policies, OUTSIDE, part("gateway"), 8443)
    assert not may(policies, part("proxy"), part("controlplane"), 8080)
    assert not may(policies, part("gateway"), part("gateway_operator"), 18000)


def test_other_images_are_taken_and_sizes_are_those_declared() -> None:
    pins = {"gateway_operator": "ghcr.io/example/gateway:v1.9.1", "proxy": "ghcr.io/example/envoy:v1.39.1"}
    parts = {"proxy": {"replicas": 2, "memory_mb": 512}}
    objects = Recorded({"cluster": {"ingress": INGRESS, "images": {"pins": pins}, "parts": parts}}).objects()
    [container] = objects["entrance-workload"]["spec"]["template"]["spec"]["containers"]
    assert container["image"] == pins["gateway_operator"]
    assert pins["gateway_operator"] in objects["entrance-config"]["data"]["envoy-gateway.yaml"]
    proxies = objects["entrance-proxies"]["spec"]["provider"]["kubernetes"]["envoyDeployment"]
    assert proxies["replicas"] == 2
    assert proxies["container"]["image"] == pins["proxy"]
    assert proxies["container"]["resources"]["requests"]["memory"] == "512Mi"
