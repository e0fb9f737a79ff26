"""How a cluster that is there is entered: one host for people, which leads to the gateway, one for who deploys."""

import pulumi

from groundplan.spec.cluster import IngressSpec
from groundplan_components.kubernetes.gateway_api import gateway_objects
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.site import PORTS, Site

#: The gateway speaks TLS itself, with the stack's own certificate.
BEHIND_TLS = {"nginx.ingress.kubernetes.io/backend-protocol": "HTTPS"}
LARGE = {"nginx.ingress.kubernetes.io/proxy-body-size": "64m", "nginx.ingress.kubernetes.io/proxy-read-timeout": "300"}


def ingresses(site: Site, authority: pulumi.Input[str]) -> dict[str, Manifest]:
    """Return the objects by name; none where the platform is reached by node ports.

    ``authority``: the certificate by which the platform's own gateway is known.
    """
    spec = site.cluster.ingress
    if spec is None:
        return {}
    if spec.api == "gateway":
        return gateway_objects(site, spec, authority)
    return {
        "gateway": _ingress(site, spec, "gateway", spec.host, BEHIND_TLS),
        "controlplane": _ingress(site, spec, "controlplane", f"api.{spec.host}", LARGE),
    }


def _ingress(site: Site, spec: IngressSpec, service: str, host: str, notes: dict[str, str]) -> Manifest:
    issuer = {"cert-manager.io/cluster-issuer": spec.issuer} if spec.issuer else {}
    metadata = site.place.metadata(service, service)
    metadata["annotations"] = {"nginx.ingress.kubernetes.io/ssl-redirect": "true", **notes, **issuer}
    backend = {"service": {"name": service, "port": {"number": PORTS[service]}}}
    body = {
        "ingressClassName": spec.class_name,
        "tls": [{"hosts": [host], "secretName": spec.secret(service)}],
        "rules": [{"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
    }
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": metadata, "spec": body}
