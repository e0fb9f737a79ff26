"""The same doors as an Ingress, by the Gateway API (https://gateway-api.sigs.k8s.io, its standard channel, v1).

One ``Gateway`` with a listener a host, a ``HTTPRoute`` each; plain HTTP is sent to HTTPS. What is behind the Gateway
is held to the stack's own certificate (``BackendTLSPolicy``): an Ingress has no word for that.

Where the stack has proxies of its own (Kind), they lead to the gateway alone: whoever deploys has another door.
"""

import pulumi

from groundplan.spec.cluster import IngressSpec
from groundplan_components.kubernetes.gateway import TLS_SECRET
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.site import PORTS, Site

VERSION, NAME, PLAIN = "gateway.networking.k8s.io/v1", "groundplan", "plain"
#: A request's time: a training's answer comes at once, an upload of a pair takes longest.
PATIENCE = "300s"


def gateway_objects(site: Site, spec: IngressSpec, authority: pulumi.Input[str]) -> dict[str, Manifest]:
    """Return the objects by name. ``authority``: the certificate by which the platform's own gateway is known."""
    deployer = {} if site.proxied else {"controlplane": f"api.{spec.host}"}
    hosts = {"gateway": spec.host, **deployer}
    plain = {} if site.proxied else {"plain": _route(site, PLAIN, PLAIN, list(hosts.values()), _to_https())}
    return {
        "entrance": _gateway(site, spec, hosts),
        **plain,
        **{name: _route(site, name, name, [host], _to(name)) for name, host in hosts.items()},
        "authority": _config_map(site, authority),
        "backend": _backend(site),
    }


def _gateway(site: Site, spec: IngressSpec, hosts: dict[str, str]) -> Manifest:
    metadata = site.place.metadata(NAME, "gateway")
    if spec.issuer:
        metadata["annotations"] = {"cert-manager.io/cluster-issuer": spec.issuer}
    plain = [] if site.proxied else [{"name": PLAIN, "port": 80, "protocol": "HTTP", "allowedRoutes": _SAME}]
    listeners = [*plain, *(_listener(name, host, _secret(site, spec, name)) for name, host in hosts.items())]
    body = {"gatewayClassName": spec.class_name, "listeners": listeners}
    return {"apiVersion": VERSION, "kind": "Gateway", "metadata": metadata, "spec": body}


def _secret(site: Site, spec: IngressSpec, service: str) -> str:
    """Without an issuer the stack's own proxies show the certificate that the gateway shows."""
    return TLS_SECRET if site.proxied and spec.issuer is None else spec.secret(service)


_SAME = {"namespaces": {"from": "Same"}}


def _listener(name: str, host: str, secret: str) -> Manifest:
    tls = {"mode": "Terminate", "certificateRefs": [{"group": "", "kind": "Secret", "name": secret}]}
    return {"name": name, "hostname": host, "port": 443, "protocol": "HTTPS", "tls": tls, "allowedRoutes": _SAME}


def _route(site: Site, name: str, listener: str, hosts: list[str], rule: Manifest) -> Manifest:
    parent = {"group": VERSION.partition("/")[0], "kind": "Gateway", "name": NAME, "sectionName": listener}
    body = {"parentRefs": [parent], "hostnames": hosts, "rules": [{"matches": [_ALL], **rule}]}
    metadata = site.place.metadata(name, "gateway")
    return {"apiVersion": VERSION, "kind": "HTTPRoute", "metadata": metadata, "spec": body}


_ALL = {"path": {"type": "PathPrefix", "value": "/"}}


def _to(service: str) -> Manifest:
    backend = {"group": "", "kind": "Service", "name": service, "port": PORTS[service], "weight": 1}
    return {"backendRefs": [backend], "timeouts": {"request": PATIENCE}}


def _to_https() -> Manifest:
    redirect = {"scheme": "https", "statusCode": 301}
    return {"filters": [{"type": "RequestRedirect", "requestRedirect": redirect}]}


def _config_map(site: Site, authority: pulumi.Input[str]) -> Manifest:
    metadata = site.place.metadata("gateway-ca", "gateway")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"ca.crt": authority}}


def _backend(site: Site) -> Manifest:
    validation = {
        "hostname": site.address("gateway").partition(":")[0],
        "caCertificateRefs": [{"group": "", "kind": "ConfigMap", "name": "gateway-ca"}],
    }
    body = {"targetRefs": [{"group": "", "kind": "Service", "name": "gateway"}], "validation": validation}
    metadata = site.place.metadata("gateway", "gateway")
    return {"apiVersion": VERSION, "kind": "BackendTLSPolicy", "metadata": metadata, "spec": body}
