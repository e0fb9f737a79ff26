"""A small program of Kubernetes objects, one of each kind that the components use most. Not a part of the product."""

from typing import Any

from tests.support.kube.lab import declared
from tests.support.lifecycle import Declared

Manifest = dict[str, Any]
IMAGE = f"registry.test/shop@sha256:{'0' * 64}"
RESTRICTED = {
    "allowPrivilegeEscalation": False,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}
LABELS = {"app.kubernetes.io/name": "shop"}


def manifest(api_version: str, kind: str, name: str, namespace: str | None, **rest: Any) -> Manifest:
    """Return an object; ``rest`` are its parts beside the metadata."""
    metadata = {"name": name, "labels": LABELS} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


def container(**more: Any) -> Manifest:
    """Return a container that Pod Security ``restricted`` admits."""
    resources = {"requests": {"cpu": "100m", "memory": "1024Mi"}, "limits": {"memory": "1024Mi"}}
    return {"name": "main", "image": IMAGE, "resources": resources, "securityContext": RESTRICTED, **more}


def pod(**more: Any) -> Manifest:
    """Return a pod's template."""
    spec = {"automountServiceAccountToken": False, "containers": [container()], **more}
    return {"metadata": {"labels": LABELS}, "spec": spec}


def namespace_of(namespace: str) -> Manifest:
    """Return a namespace that admits only restricted pods."""
    made = manifest("v1", "Namespace", namespace, None)
    made["metadata"]["labels"] = {"pod-security.kubernetes.io/enforce": "restricted"}
    return made


def deployment(namespace: str, **spec: Any) -> Manifest:
    """Return a Deployment of two pods."""
    selector = {"matchLabels": LABELS}
    rest = {"replicas": 2, "selector": selector, "template": pod(), **spec}
    return manifest("apps/v1", "Deployment", "web", namespace, spec=rest)


def job(namespace: str, name: str = "load", **spec: Any) -> Manifest:
    """Return a Job of one pod."""
    rest = {"backoffLimit": 0, "template": pod(restartPolicy="Never"), **spec}
    rest["template"]["metadata"] = {"labels": {"app.kubernetes.io/name": name}}
    return manifest("batch/v1", "Job", name, namespace, spec=rest)


def definition(plural: str) -> Manifest:
    """Return a CRD of the group ``<plural>.test``, kind ``Basket``."""
    size = {"type": "integer", "minimum": 1}
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"size": size}}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    group = f"{plural}.test"
    names = {"plural": plural, "singular": "basket", "kind": "Basket"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    return manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"{plural}.{group}", None, spec=spec)


def shop(namespace: str) -> list[Declared]:
    """Return the whole program: a namespace and what belongs into it."""
    home = f"Namespace-{namespace}"
    plural = f"baskets{namespace.removeprefix('test-')}"
    crd = definition(plural)
    inside = [
        manifest("v1", "ConfigMap", "settings", namespace, data={"colour": "blue"}),
        manifest("v1", "Secret", "door", namespace, stringData={"password": "open sesame"}),
        manifest("v1", "ServiceAccount", "web", namespace, automountServiceAccountToken=False),
        manifest("v1", "PersistentVolumeClaim", "goods", namespace, spec=_claim()),
        deployment(namespace),
        manifest("v1", "Service", "web", namespace, spec={"selector": LABELS, "ports": [{"port": 80}]}),
        job(namespace),
        *_policies(namespace),
        *_rights(namespace),
    ]
    made = [declared(each, home) for each in inside]
    basket = manifest(f"{plural}.test/v1", "Basket", "big", namespace, spec={"size": 3})
    return [
        declared(namespace_of(namespace)),
        declared(crd),
        *made,
        declared(basket, home, f"CustomResourceDefinition-{crd['metadata']['name']}"),
    ]


def _claim() -> Manifest:
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}


def _policies(namespace: str) -> list[Manifest]:
    selector = {"matchLabels": LABELS}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    metric = {
        "type": "Resource",
        "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 60}},
    }
    scaling = {"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 4, "metrics": [metric]}
    closed = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    return [
        manifest("policy/v1", "PodDisruptionBudget", "web", namespace, spec={"minAvailable": 1, "selector": selector}),
        manifest("autoscaling/v2", "HorizontalPodAutoscaler", "web", namespace, spec=scaling),
        manifest("networking.k8s.io/v1", "NetworkPolicy", "closed", namespace, spec=closed),
        manifest(
            "v1", "ResourceQuota", "share", namespace, spec={"hard": {"pods": "6", "requests.nvidia.com/gpu": "2"}}
        ),
    ]


def _rights(namespace: str) -> list[Manifest]:
    group = "rbac.authorization.k8s.io"
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}]
    reference = {"apiGroup": group, "kind": "Role", "name": "reader"}
    subjects = [{"kind": "ServiceAccount", "name": "web", "namespace": namespace}]
    return [
        manifest(f"{group}/v1", "Role", "reader", namespace, rules=rules),
        manifest(f"{group}/v1", "RoleBinding", "reader", namespace, roleRef=reference, subjects=subjects),
    ]
