"""The Trivy operator: finds what runs, has each image scanned by a Job, keeps the findings as objects.

Written from the operator's documentation (https://aquasecurity.github.io/trivy-operator): its chart is in no registry
that this repository is built from. Its own types are not among what is declared here: an operator of an image applies
them first (docs/tenancy.md).
"""

from groundplan.spec.tenancy import TrivySpec
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place

NAME = "trivy-operator"
_RBAC = "rbac.authorization.k8s.io"
#: What it reads to know what runs, and what it writes: its own reports and the Jobs in its own namespace.
READS = (
    ("", ("configmaps", "namespaces", "nodes", "pods", "replicationcontrollers", "serviceaccounts", "services")),
    ("apps", ("controllerrevisions", "daemonsets", "deployments", "replicasets", "statefulsets")),
    ("batch", ("cronjobs", "jobs")),
)
REPORTS = ("configauditreports", "exposedsecretreports", "sbomreports", "vulnerabilityreports")


def manifests(spec: TrivySpec, place: Place, namespace: str, watched: list[str]) -> dict[str, Manifest]:
    """Return the operator by the end of each object's title. ``watched``: namespaces whose images are scanned."""
    labels = place.labels(NAME, "security")
    named: Manifest = {"name": NAME, "namespace": namespace, "labels": labels}
    wide: Manifest = {"name": f"groundplan-{NAME}", "labels": labels}
    subject = [{"kind": "ServiceAccount", "name": NAME, "namespace": namespace}]
    return {
        "trivy-account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": named,
            "automountServiceAccountToken": False,
        },
        "trivy-cluster-role": {
            "apiVersion": f"{_RBAC}/v1",
            "kind": "ClusterRole",
            "metadata": wide,
            "rules": _reading(),
        },
        "trivy-cluster-role-binding": _binding("ClusterRole", wide, subject),
        "trivy-role": {"apiVersion": f"{_RBAC}/v1", "kind": "Role", "metadata": named, "rules": _working()},
        "trivy-role-binding": _binding("Role", named, subject),
        "trivy-config": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": _settings(spec)},
        "trivy": _deployment(spec, place, named, watched),
    }


def _reading() -> list[Manifest]:
    looks = [
        {"apiGroups": [group], "resources": list(resources), "verbs": ["get", "list", "watch"]}
        for group, resources in READS
    ]
    verbs = ["create", "delete", "get", "list", "patch", "update", "watch"]
    return [*looks, {"apiGroups": ["aquasecurity.github.io"], "resources": list(REPORTS), "verbs": verbs}]


def _working() -> list[Manifest]:
    verbs = ["create", "delete", "get", "list", "update", "watch"]
    return [
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": verbs},
        {"apiGroups": [""], "resources": ["configmaps", "secrets"], "verbs": verbs},
        {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create", "get", "update"]},
    ]


def _binding(kind: str, metadata: Manifest, subjects: list[dict[str, str]]) -> Manifest:
    reference = {"apiGroup": _RBAC, "kind": kind, "name": metadata["name"]}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": f"{kind}Binding",
        "metadata": metadata,
        "roleRef": reference,
        "subjects": subjects,
    }


def _settings(spec: TrivySpec) -> Manifest:
    scanner, _, digest = spec.scanner.rpartition("@")
    return {
        "trivy.repository": scanner,
        "trivy.tag": digest,
        "trivy.severity": ",".join(spec.severities),
        "trivy.mode": "Standalone",
        "scanJob.podTemplateContainerSecurityContext": (
            '{"allowPrivilegeEscalation":false,"capabilities":{"drop":["ALL"]},"privileged":false,'
            '"readOnlyRootFilesystem":true}'
        ),
    }


def _deployment(spec: TrivySpec, place: Place, named: Manifest, watched: list[str]) -> Manifest:
    environment = {
        "OPERATOR_NAMESPACE": named["namespace"],
        "OPERATOR_TARGET_NAMESPACES": ",".join(sorted(watched)),
        "OPERATOR_SERVICE_ACCOUNT": NAME,
        "OPERATOR_METRICS_BIND_ADDRESS": ":8080",
        "OPERATOR_HEALTH_PROBE_BIND_ADDRESS": ":9090",
        "OPERATOR_VULNERABILITY_SCANNER_ENABLED": "true",
        "OPERATOR_EXPOSED_SECRET_SCANNER_ENABLED": "true",
        "OPERATOR_CONFIG_AUDIT_SCANNER_ENABLED": "false",
    }
    container = {
        "name": "operator",
        "image": spec.image,
        "env": [{"name": name, "value": value} for name, value in sorted(environment.items())],
        "ports": [{"name": "metrics", "containerPort": 8080}, {"name": "probes", "containerPort": 9090}],
        "readinessProbe": {"httpGet": {"path": "/readyz/", "port": "probes"}},
        "resources": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 10000,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    pod = {"serviceAccountName": NAME, "automountServiceAccountToken": True, "containers": [container]}
    template = {"metadata": {"labels": named["labels"]}, "spec": pod}
    body = {"replicas": 1, "selector": {"matchLabels": place.selector(NAME)}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": named, "spec": body}
