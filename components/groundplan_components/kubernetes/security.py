"""What watches over a cluster, where a stack declares it: Falco on every node, the Trivy operator over what runs.

Their charts are in no package registry, so these manifests are ours, written from the projects' documentation: each
says below what was seen to be accepted by a real API server, and what only a node with its kernel can show. Both need
what teams are refused, and so have a namespace of their own that the admission rules are not for (``ADD_ONS``).
"""

import pulumi

from groundplan.spec import StackSpec
from groundplan.spec.tenancy import FalcoSpec
from groundplan_components.kubernetes import trivy
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place

NAMESPACE = "groundplan-security"
RBAC = "rbac.authorization.k8s.io"
#: The rules that Falco loads beside those of its image: what no pod of the platform ever does.
RULES = """\
- list: groundplan_namespaces
  items: [{namespaces}]
- rule: Shell in a platform pod
  desc: Pods of the platform and of its teams run one program each; a shell in one is a person or an intruder.
  condition: >
    evt.type in (execve, execveat) and evt.dir=< and container.id != host
    and k8s.ns.name in (groundplan_namespaces) and proc.name in (sh, bash, dash, ash, zsh)
    and proc.pname != runc
  output: "shell in a pod (pod=%k8s.pod.name namespace=%k8s.ns.name command=%proc.cmdline user=%user.name)"
  priority: WARNING
  tags: [groundplan, container, shell]
"""


class Security(pulumi.ComponentResource):
    """Falco and the Trivy operator, as far as the stack declares them."""

    def __init__(
        self,
        title: str,
        stack: StackSpec,
        place: Place,
        namespaces: list[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:Security", title, None, opts)
        declared = stack.security
        made: dict[str, Manifest] = {}
        if declared.falco:
            made |= falco(declared.falco, place, namespaces)
        if declared.trivy:
            made |= trivy.manifests(declared.trivy, place, NAMESPACE, namespaces)
        if made:
            home = declare(f"{title}-namespace", namespace(place), pulumi.ResourceOptions(parent=self))
            after = pulumi.ResourceOptions(parent=self, depends_on=[home])
            for name, manifest in made.items():
                declare(f"{title}-{name}", manifest, after)
        self.register_outputs({})


def namespace(place: Place) -> Manifest:
    """Return the add-ons' namespace: Falco reads the kernel, which Pod Security calls ``privileged``."""
    labels = {**place.labels(NAMESPACE, "security"), "pod-security.kubernetes.io/enforce": "privileged"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}}


def falco(spec: FalcoSpec, place: Place, namespaces: list[str]) -> dict[str, Manifest]:
    """Return Falco with the modern eBPF probe: a DaemonSet, its settings and rules, an account without a token."""
    metadata = {"namespace": NAMESPACE, "labels": place.labels("falco", "security")}
    named = {**metadata, "name": "falco"}
    config = {
        "falco.yaml": _settings(spec),
        "groundplan.yaml": RULES.format(namespaces=", ".join(sorted(namespaces))),
    }
    return {
        "falco-account": {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": named,
            "automountServiceAccountToken": False,
        },
        "falco-config": {"apiVersion": "v1", "kind": "ConfigMap", "metadata": named, "data": config},
        "falco": _daemon_set(spec, place, named),
    }


def _settings(spec: FalcoSpec) -> str:
    lines = (
        "engine: {kind: modern_ebpf}",
        "rules_files: [/etc/falco/falco_rules.yaml, /etc/groundplan/groundplan.yaml]",
        f"priority: {spec.priority}",
        "json_output: true",
        "stdout_output: {enabled: true}",
        "webserver: {enabled: true, listen_port: 8765, prometheus_metrics_enabled: true}",
    )
    return "\n".join(lines) + "\n"


def _daemon_set(spec: FalcoSpec, place: Place, named: Manifest) -> Manifest:
    selector = place.selector("falco")
    mounts = [
        {"name": "config", "mountPath": "/etc/groundplan", "readOnly": True},
        {"name": "proc", "mountPath": "/host/proc", "readOnly": True},
        {"name": "etc", "mountPath": "/host/etc", "readOnly": True},
        {"name": "containerd", "mountPath": "/host/run/containerd", "readOnly": True},
    ]
    host = {"proc": "/proc", "etc": "/etc", "containerd": "/run/containerd"}
    volumes = [{"name": name, "hostPath": {"path": path}} for name, path in host.items()]
    container = {
        "name": "falco",
        "image": spec.image,
        "args": ["/usr/bin/falco", "-c", "/etc/groundplan/falco.yaml"],
        "env": [{"name": "HOST_ROOT", "value": "/host"}],
        "ports": [{"name": "http", "containerPort": 8765, "protocol": "TCP"}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 15},
        "resources": {
            "requests": {"cpu": "100m", "memory": "512Mi"},
            "limits": {"cpu": "1", "memory": "1Gi"},
        },
        # The probe's whole need; `privileged` is not among it.
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN", "SYS_RESOURCE", "SYS_PTRACE", "BPF", "PERFMON"]},
            "readOnlyRootFilesystem": True,
        },
        "volumeMounts": mounts,
    }
    pod = {
        "serviceAccountName": "falco",
        "automountServiceAccountToken": False,
        "tolerations": [{"operator": "Exists"}],
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "falco"}}, *volumes],
    }
    template = {"metadata": {"labels": named["labels"]}, "spec": pod}
    body = {"selector": {"matchLabels": selector}, "updateStrategy": {"type": "RollingUpdate"}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": named, "spec": body}
