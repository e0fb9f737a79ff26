"""The VerticalPodAutoscaler as its release 1.8.1 ships it (Apache-2.0): what a part's ``right_size`` is answered by.

EKS has none of its own. The recommender says what pods need; the updater and the admission controller, which come only
where something is to be applied, give it to them.
"""

import pulumi

from groundplan.spec.cluster import ClusterSpec
from groundplan_components.kubernetes import releases
from groundplan_components.kubernetes.objects import Manifest

RELEASE = "v1.8.1"
SHIPPED = f"vertical-pod-autoscaler-{RELEASE}"
NAMESPACE = "kube-system"
#: Who applies; the recommender is there always.
APPLIES = ("vpa-updater", "vpa-admission-controller")
#: Where the admission controller finds its certificate, for the one name by which the API server calls it.
TLS, HOST = "vpa-tls-certs", f"vpa-webhook.{NAMESPACE}.svc"
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}


def asked(cluster: ClusterSpec) -> frozenset[str]:
    """Return what parts of the platform declare of ``right_size``: ``recommend``, ``apply``, both, or nothing."""
    return frozenset(part.right_size for part in cluster.parts.values() if part.right_size is not None)


def types() -> list[Manifest]:
    """Return the CustomResourceDefinitions. Another release's: ``python -m groundplan.tools.manifests``."""
    return releases.types(SHIPPED)


def objects(applies: bool) -> dict[str, Manifest]:
    """Return rights and programs by title, in the order in which they are applied."""
    rest = [each for each in releases.release(SHIPPED) if each["kind"] != "CustomResourceDefinition"]
    return dict(_titled(each) for each in rest if applies or not _applies(each))


def certificate(ca: pulumi.Input[str], chain: pulumi.Input[str], key: pulumi.Input[str]) -> Manifest:
    """Return the Secret of the admission controller, by the names of files that it reads."""
    held = {"caCert.pem": ca, "serverCert.pem": chain, "serverKey.pem": key}
    metadata = {"name": TLS, "namespace": NAMESPACE, "labels": {"app.kubernetes.io/part-of": "groundplan"}}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": held}


def _applies(each: Manifest) -> bool:
    """Whether an object is only for those who apply: itself, or all of its subjects."""
    name = each["metadata"]["name"]
    subjects = [subject["name"] for subject in each.get("subjects", [])]
    own = any(who.removeprefix("vpa-") in name for who in APPLIES) or name in ("vpa-webhook", "system:evictioner")
    return own or (bool(subjects) and all(subject in APPLIES for subject in subjects))


def _titled(each: Manifest) -> tuple[str, Manifest]:
    title = f"{each['metadata']['name'].replace(':', '-')}-{each['kind'].lower()}"
    return title, _hardened(each) if each["kind"] == "Deployment" else each


def _hardened(each: Manifest) -> Manifest:
    """Return a Deployment whose pods may nothing that they do not need."""
    template = each["spec"]["template"]
    spec = dict(template["spec"])
    spec["containers"] = [{**one, "securityContext": RESTRICTED} for one in spec["containers"]]
    spec["securityContext"] = {**spec["securityContext"], "seccompProfile": {"type": "RuntimeDefault"}}
    return {**each, "spec": {**each["spec"], "template": {**template, "spec": spec}}}
