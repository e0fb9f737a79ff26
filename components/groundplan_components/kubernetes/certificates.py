"""Who signs the certificate of a cluster's ingress: the ClusterIssuer that ``cluster.ingress.issuer`` names.

cert-manager itself is there already, as the ingress controller is: whoever runs the cluster runs both.
"""

import pulumi

from groundplan.spec import StackSpec
from groundplan.spec.cluster import IngressSpec
from groundplan.spec.tenancy import CertificatesSpec
from groundplan_components.kubernetes import gateway_api
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place

VERSION = "cert-manager.io/v1"
#: Where cert-manager looks for what its ClusterIssuers refer to.
HOME = "cert-manager"


class Certificates(pulumi.ComponentResource):
    """The issuer that a stack declares; nothing where it names one that is there."""

    def __init__(self, title: str, stack: StackSpec, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Certificates", title, None, opts)
        spec, ingress = stack.security.certificates, stack.cluster.ingress
        if spec is not None and ingress is not None and ingress.issuer is not None:
            for name, manifest in issuers(spec, ingress, ingress.issuer, place).items():
                declare(f"{title}-{name}", manifest, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def issuers(spec: CertificatesSpec, ingress: IngressSpec, name: str, place: Place) -> dict[str, Manifest]:
    """Return the issuer's objects: ACME (RFC 8555) with HTTP-01, or an authority of the cluster's own."""
    if spec.acme_email is not None:
        account = {
            "privateKeySecretRef": {"name": f"{name}-account"},
            "solvers": [{"http01": _answers(ingress, place)}],
        }
        return {
            "issuer": _issuer(name, place, {"acme": {"email": spec.acme_email, "server": spec.acme_server, **account}})
        }
    root = f"{name}-root"
    return {
        "root": _issuer(root, place, {"selfSigned": {}}),
        "authority": _authority(name, root, place),
        "issuer": _issuer(name, place, {"ca": {"secretName": root}}),
    }


def _answers(ingress: IngressSpec, place: Place) -> Manifest:
    """Where the authority that asks finds its answer: at plain HTTP."""
    if ingress.api == "ingress":
        return {"ingress": {"ingressClassName": ingress.class_name}}
    parent = {"kind": "Gateway", "name": gateway_api.NAME, "namespace": place.namespace}
    return {"gatewayHTTPRoute": {"parentRefs": [{**parent, "sectionName": gateway_api.PLAIN}]}}


def _issuer(name: str, place: Place, spec: Manifest) -> Manifest:
    metadata = {"name": name, "labels": place.labels(name, "certificates")}
    return {"apiVersion": VERSION, "kind": "ClusterIssuer", "metadata": metadata, "spec": spec}


def _authority(name: str, root: str, place: Place) -> Manifest:
    """The authority's own certificate: ten years, for it has to be trusted by hand."""
    metadata = {"name": root, "namespace": HOME, "labels": place.labels(name, "certificates")}
    spec = {
        "isCA": True,
        "commonName": f"Groundplan {place.stack}",
        "secretName": root,
        "duration": "87600h0m0s",
        "privateKey": {"algorithm": "ECDSA", "size": 256, "rotationPolicy": "Never"},
        "issuerRef": {"name": root, "kind": "ClusterIssuer", "group": "cert-manager.io"},
    }
    return {"apiVersion": VERSION, "kind": "Certificate", "metadata": metadata, "spec": spec}
