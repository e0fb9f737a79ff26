"""What serves the Gateway API in a cluster that the stack makes: Envoy Gateway 1.9.1 (Apache-2.0), from its chart.

Types and rights are as its release ships them, its Deployment is to our rules. It runs in the platform's namespace and
looks at no other; its proxies are Envoys that it makes there, owned by the GatewayClass, and gone with it. Its own job
for certificates is left out: what it and its proxies know each other by is of the stack, as all its certificates are.
"""

import hashlib
import json
from collections.abc import Iterator

import pulumi

from groundplan.spec.cluster import NODE_PORTS, IngressSpec
from groundplan_components.kubernetes import gateway_api, releases
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.part import encoded
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.pods import Container, Mount, Pod, Probes, Size
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.sizes import replicas
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec
from groundplan_components.resources import StackCertificate

RELEASE, API_RELEASE = "v1.9.1", "v1.6.1"
SHIPPED, API = f"envoy-gateway-{RELEASE}", f"gateway-api-{API_RELEASE}"
VERSION, CONTROLLER = "gateway.envoyproxy.io/v1alpha1", "gateway.envoyproxy.io/gatewayclass-controller"
#: Its proxies look for it by this name, and for their certificate in a Secret of the other.
NAME, PROXY, PROXY_TLS = "envoy-gateway", "proxy", "envoy"
PART = "gateway_operator"
PORT, HEALTH = 18000, 8081
#: Where the Gateway listens, inside.
HTTPS = 443
#: The user of Envoy's image.
USER = 65532
#: Of what stops a proxy when its connections have ended.
STOPPER = Size(0.01, 32, 0.2, 128)


class EnvoyGateway(pulumi.ComponentResource):
    """Types, then the controller, then the GatewayClass with what its proxies are. ``path``: see StackCertificate."""

    def __init__(
        self, title: str, site: Site, spec: IngressSpec, path: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("groundplan:kubernetes:EnvoyGateway", title, None, opts)
        own, place = pulumi.ResourceOptions(parent=self), site.place
        certificate = StackCertificate(
            f"{title}-certificate", stack=place.stack, stack_id=place.stack_id, path=path, hosts=hosts(place),
            only_hosts=True, opts=own,
        )  # fmt: skip
        types = [declare(f"{title}-{each['metadata']['name']}", each, own) for each in foreign_types()]
        found = {**dict(rights(place)), "config": config(site), **secrets(place, certificate)}
        first = [declare(f"{title}-{suffix}", each, own) for suffix, each in found.items()]
        after = pulumi.ResourceOptions(parent=self, depends_on=[*types, *first])
        server = Workload("Server", title, WorkloadSpec(pod(site), alone=True, service={"grpc": PORT}), place, after)
        proxies = declare(f"{title}-proxies", proxy(site), pulumi.ResourceOptions(parent=self, depends_on=[server]))
        last = pulumi.ResourceOptions(parent=self, depends_on=[proxies])
        declare(f"{title}-class", gateway_class(place, spec), last)
        self.register_outputs({})


def foreign_types() -> list[Manifest]:
    """Return the types: the Gateway API's standard channel, and the controller's own."""
    return [*releases.types(API), *releases.types(SHIPPED)]


def hosts(place: Place) -> list[str]:
    """Return the names that the controller is asked by: its proxies hold it to the first."""
    return [NAME, f"{NAME}.{place.namespace}.svc", f"{NAME}.{place.namespace}.svc.cluster.local"]


def rights(place: Place) -> Iterator[tuple[str, Manifest]]:
    """Yield the release's own rules, bound to the controller, but those of its job for certificates."""
    for each in releases.release(SHIPPED):
        name = each["metadata"]["name"]
        if each["kind"] in ("ClusterRole", "Role") and "certgen" not in name:
            short = name.removeprefix("gateway-helm-").removesuffix("-role")
            for kind, made in releases.bound(each, NAME, PART, place):
                yield f"{short}-{kind}", made


def config(site: Site) -> Manifest:
    """Return what the controller is told: its namespace alone, nothing that changes others' pods."""
    metadata = site.place.metadata(f"{NAME}-config", PART)
    data = {"envoy-gateway.yaml": json.dumps(_config(site), indent=1, sort_keys=True)}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def _config(site: Site) -> Manifest:
    kubernetes = {
        "watch": {"type": "Namespaces", "namespaces": [site.place.namespace]},
        "shutdownManager": {"image": site.images[PART]},
        "proxyTopologyInjector": {"disabled": True},
    }
    return {
        "apiVersion": VERSION,
        "kind": "EnvoyGateway",
        "gateway": {"controllerName": CONTROLLER},
        "logging": {"level": {"default": "info"}},
        "provider": {"type": "Kubernetes", "kubernetes": kubernetes},
    }


def secrets(place: Place, certificate: StackCertificate) -> dict[str, Manifest]:
    """Return by what controller and proxies know each other: one certificate, for both ends."""
    data = encoded({"ca.crt": certificate.ca, "tls.crt": certificate.chain, "tls.key": certificate.key})
    head = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "data": data}
    return {
        "tls": {**head, "metadata": place.metadata(NAME, PART)},
        "proxy-tls": {**head, "metadata": place.metadata(PROXY_TLS, PART)},
    }


def pod(site: Site) -> Pod:
    """Return the controller's pod. It alone gets a service account's token: it makes its proxies."""
    told = hashlib.sha256(json.dumps(_config(site), sort_keys=True).encode()).hexdigest()[:16]
    container = Container(
        NAME,
        site.images[PART],
        (NAME, "server", "--config-path=/config/envoy-gateway.yaml"),
        site.size(PART),
        ports={"grpc": PORT, "health": HEALTH},
        environment={"ENVOY_GATEWAY_NAMESPACE": site.place.namespace, "KUBERNETES_CLUSTER_DOMAIN": "cluster.local"},
        mounts=(
            Mount("config", "/config", {"configMap": {"name": f"{NAME}-config", "defaultMode": 0o440}}),
            Mount("certs", "/certs", {"secret": {"secretName": NAME, "defaultMode": 0o440}}),
            Mount("modules", "/var/lib/eg/wasm", {"emptyDir": {"sizeLimit": "64Mi"}}, read_only=False),
        ),
        probes=Probes(
            {"httpGet": {"path": "/readyz", "port": "health"}},
            {"httpGet": {"path": "/healthz", "port": "health"}},
            start_seconds=120,
        ),
    )
    return Pod(NAME, PART, (container,), token=True, settings=told, stop_seconds=10)


def proxy(site: Site) -> Manifest:
    """Return what the proxies are: restricted and limited as all pods, at the gateway's node port on every node."""
    kubernetes = {
        "envoyServiceAccount": {"name": PROXY},
        "envoyPDB": {"name": PROXY, "maxUnavailable": 1},
        "envoyDeployment": _deployment(site),
        "envoyService": {
            "name": PROXY,
            "type": "NodePort",
            # Kind leads a host port to one node, which need not be the proxy's.
            "externalTrafficPolicy": "Cluster",
            "patch": _patch({"ports": [{"port": HTTPS, "protocol": "TCP", "nodePort": NODE_PORTS["gateway"]}]}),
        },
    }
    metadata = site.place.metadata(PROXY, PART)
    body = {"provider": {"type": "Kubernetes", "kubernetes": kubernetes}}
    return {"apiVersion": VERSION, "kind": "EnvoyProxy", "metadata": metadata, "spec": body}


def _deployment(site: Site) -> Manifest:
    pull = {"imagePullSecrets": [{"name": site.place.pull_secret}]} if site.place.pull_secret else {}
    labels = {key: value for key, value in site.place.labels(PROXY, PROXY).items() if key.startswith("groundplan.dev/")}
    user = {"runAsNonRoot": True, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER}
    stopper = {"name": "shutdown-manager", "resources": STOPPER.resources()}
    return {
        "name": PROXY,
        "replicas": replicas(PROXY, site.cluster),
        "pod": {"labels": labels, "securityContext": {**user, "seccompProfile": {"type": "RuntimeDefault"}}, **pull},
        "container": {"image": site.images[PROXY], "resources": site.size(PROXY).resources()},
        "patch": _patch({"template": {"spec": {"enableServiceLinks": False, "containers": [stopper]}}}),
    }


def _patch(spec: Manifest) -> Manifest:
    return {"type": "StrategicMerge", "value": {"spec": spec}}


def gateway_class(place: Place, spec: IngressSpec) -> Manifest:
    """Return the class that the stack's Gateway is of."""
    parameters = {"group": VERSION.partition("/")[0], "kind": "EnvoyProxy", "name": PROXY, "namespace": place.namespace}
    metadata = {"name": spec.class_name, "labels": place.labels(spec.class_name, PART)}
    body = {"controllerName": CONTROLLER, "parametersRef": parameters}
    return {"apiVersion": gateway_api.VERSION, "kind": "GatewayClass", "metadata": metadata, "spec": body}
