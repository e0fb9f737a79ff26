"""The cluster autoscaler (Apache-2.0): adds nodes for pods that wait for room, takes away those that nobody needs.

It looks for the groups of this cluster by the tags that EKS gives them, and reads from EKS what labels and taints a
group of no nodes would have: that is how a group with GPUs starts from zero.
"""

from typing import Any

from groundplan_components.aws.site import Site
from groundplan_components.kubernetes.objects import Manifest

#: Kubernetes version → the release made for it.
IMAGES = {
    "1.32": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.32.1",
    "1.33": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.33.0",
    "1.34": "registry.k8s.io/autoscaling/cluster-autoscaler:v1.34.0",
}
READ = ("get", "list", "watch")
#: What it watches, to know what would fit where.
WATCHED = (
    ("", ("namespaces", "persistentvolumeclaims", "persistentvolumes", "pods", "replicationcontrollers", "services")),
    ("apps", ("daemonsets", "replicasets", "statefulsets")),
    ("batch", ("jobs", "cronjobs")),
    ("policy", ("poddisruptionbudgets",)),
    ("storage.k8s.io", ("csidrivers", "csinodes", "csistoragecapacities", "storageclasses", "volumeattachments")),
    ("resource.k8s.io", ("deviceclasses", "resourceclaims", "resourceslices")),
)


def autoscaler(site: Site, name: str, namespace: str) -> dict[str, Manifest]:
    """Return the objects by title, in the order in which they are applied."""
    subject = [{"kind": "ServiceAccount", "name": name, "namespace": namespace}]
    group = "rbac.authorization.k8s.io"
    meta = {"name": name, "labels": {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "groundplan"}}
    there = {**meta, "namespace": namespace}
    roles: dict[str, Manifest] = {
        "account": {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": there},
        "cluster-role": {"apiVersion": f"{group}/v1", "kind": "ClusterRole", "metadata": meta, "rules": _everywhere()},
        "role": {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": there, "rules": _own(name)},
    }
    for title, kind in (("cluster-role", "ClusterRole"), ("role", "Role")):
        roles[f"{title}-binding"] = {
            "apiVersion": f"{group}/v1",
            "kind": f"{kind}Binding",
            "metadata": roles[title]["metadata"],
            "roleRef": {"apiGroup": group, "kind": kind, "name": name},
            "subjects": subject,
        }
    return {**roles, "deployment": _deployment(site, name, there)}


def _everywhere() -> list[dict[str, Any]]:
    watched = [{"apiGroups": [group], "resources": list(kinds), "verbs": list(READ)} for group, kinds in WATCHED]
    return [
        *watched,
        {"apiGroups": [""], "resources": ["nodes"], "verbs": [*READ, "update", "patch"]},
        {"apiGroups": [""], "resources": ["pods/eviction"], "verbs": ["create"]},
        {"apiGroups": [""], "resources": ["pods/status"], "verbs": ["update"]},
        {"apiGroups": ["", "events.k8s.io"], "resources": ["events"], "verbs": ["create", "patch"]},
    ]


def _own(name: str) -> list[dict[str, Any]]:
    status = f"{name}-status"
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    return [
        {**leases, "verbs": ["create"]},
        {**leases, "resourceNames": [name], "verbs": ["get", "update"]},
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create", "list", "watch"]},
        {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [status], "verbs": ["get", "update"]},
    ]


def _deployment(site: Site, name: str, metadata: Manifest) -> Manifest:
    cluster = site.name("", 100)
    tags = f"k8s.io/cluster-autoscaler/enabled,k8s.io/cluster-autoscaler/{cluster}"
    container = {
        "name": name,
        "image": IMAGES[site.aws.eks.version],
        "command": [
            "./cluster-autoscaler",
            "--cloud-provider=aws",
            f"--node-group-auto-discovery=asg:tag={tags}",
            "--balance-similar-node-groups",
            "--expander=least-waste",
            "--skip-nodes-with-local-storage=false",
            "--aws-use-static-instance-list=true",
        ],
        "env": [{"name": "AWS_REGION", "value": site.aws.region}],
        "resources": {"requests": {"cpu": "100m", "memory": "300Mi"}, "limits": {"memory": "600Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "livenessProbe": {"httpGet": {"path": "/health-check", "port": 8085}, "initialDelaySeconds": 60},
    }
    pod = {
        "serviceAccountName": name,
        "priorityClassName": "system-cluster-critical",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65534, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    selector = {"app.kubernetes.io/name": name}
    template = {"metadata": {"labels": metadata["labels"]}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": selector}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}
