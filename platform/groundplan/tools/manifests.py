"""Upstream operators' manifests, taken from their releases: ``python -m groundplan.tools.manifests``.

Run when a release of ours takes a newer one, and commit what it writes: a preview needs neither Helm nor a network.
Types keep the version that is stored, and lose their descriptions, which are four fifths of them. A chart is rendered
by Helm itself, which is built for it (minutes, once for Go's cache).
"""

import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from groundplan.tools.golang import Source, compile_program, ensure_go
from groundplan.tools.run import run

FOLDER = "components/groundplan_components/kubernetes/manifests"
KUBERAY, KUBERAY_VERSION = "github.com/ray-project/kuberay/ray-operator", "v1.6.1"
KUBERAY_FILES = ("config/crd/bases/*.yaml", "config/rbac/role.yaml", "config/rbac/leader_election_role.yaml")
VPA, VPA_VERSION = "k8s.io/autoscaler/vertical-pod-autoscaler", "v1.8.1"
VPA_FILES = ("deploy/vpa-v1-crd-gen.yaml", "deploy/vpa-rbac.yaml", "deploy/*-deployment.yaml", "deploy/*-service.yaml")
#: The standard channel, as Envoy Gateway 1.9 is built with it, but the rule that guards against older releases of it.
GATEWAY_API, GATEWAY_API_VERSION = "sigs.k8s.io/gateway-api", "v1.6.1"
GATEWAY_API_FILES = ("config/crd/standard/gateway.networking.k8s.io_[!v]*.yaml",)
#: Of its own types the one that says how its proxies are; it does without those of what nobody declares.
ENVOY, ENVOY_VERSION = "github.com/envoyproxy/gateway", "v1.9.1"
ENVOY_FILES = ("charts/gateway-helm/charts/crds/crds/generated/gateway.envoyproxy.io_envoyproxies.yaml",)
ENVOY_IMAGE = f"docker.io/envoyproxy/gateway:{ENVOY_VERSION}"
HELM, HELM_VERSION = "helm.sh/helm/v3/cmd/helm", "3.22.0"
#: The Kubernetes that a chart is told of.
KUBERNETES = "1.34.0"


@dataclass(frozen=True)
class Chart:
    """A chart of a release: its folder, the namespace that it is rendered for, the file of its values, what is put
    into that as the release's maker does, and the values that we give."""

    folder: str
    namespace: str
    values: Mapping[str, Any]
    defaults: str = "values.yaml"
    filled: Mapping[str, str] = field(default_factory=dict)


#: A stack puts its own namespace in this one's place. It watches that alone, so that its rights are there, too; no
#: webhook that changes pods.
ENVOY_CHART = Chart(
    "charts/gateway-helm",
    "groundplan",
    {
        "crds": {"enabled": False},
        "topologyInjector": {"enabled": False},
        "config": {
            "envoyGateway": {
                "provider": {"kubernetes": {"watch": {"type": "Namespaces", "namespaces": ["groundplan"]}}}
            }
        },
    },
    "values.tmpl.yaml",
    {"${GatewayImage}": ENVOY_IMAGE, "${GatewayImagePullPolicy}": "IfNotPresent"},
)
CERT_MANAGER, CERT_MANAGER_VERSION = "github.com/cert-manager/cert-manager", "v1.21.2"


def _issuing(cpu: str, memory: str) -> dict[str, Any]:
    """One of cert-manager's programs by our rules: limits, and a pod that says that it talks to the API server."""
    resources = {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"cpu": cpu, "memory": memory}}
    labels = {"groundplan.dev/api-token": "true"}
    return {"image": {"tag": CERT_MANAGER_VERSION}, "resources": resources, "podLabels": labels}


CERT_MANAGER_CHART = Chart(
    "deploy/charts/cert-manager",
    "cert-manager",
    {
        "crds": {"enabled": True},
        "global": {"leaderElection": {"namespace": "cert-manager"}},
        "config": {
            "apiVersion": "controller.config.cert-manager.io/v1alpha1",
            "kind": "ControllerConfiguration",
            "enableGatewayAPI": True,
        },
        **_issuing("500m", "256Mi"),
        "cainjector": _issuing("500m", "256Mi"),
        "webhook": _issuing("200m", "128Mi"),
        "startupapicheck": _issuing("200m", "128Mi"),
    },
)
#: File → module, version, its manifests, its chart if it has one.
RELEASES: Mapping[str, tuple[str, str, Sequence[str], Chart | None]] = {
    f"kuberay-{KUBERAY_VERSION}.json": (KUBERAY, KUBERAY_VERSION, KUBERAY_FILES, None),
    f"vertical-pod-autoscaler-{VPA_VERSION}.json": (VPA, VPA_VERSION, VPA_FILES, None),
    f"gateway-api-{GATEWAY_API_VERSION}.json": (GATEWAY_API, GATEWAY_API_VERSION, GATEWAY_API_FILES, None),
    f"envoy-gateway-{ENVOY_VERSION}.json": (ENVOY, ENVOY_VERSION, ENVOY_FILES, ENVOY_CHART),
    f"cert-manager-{CERT_MANAGER_VERSION}.json": (CERT_MANAGER, CERT_MANAGER_VERSION, (), CERT_MANAGER_CHART),
}


def write(root: Path) -> list[Path]:
    """Fetch every release and write its objects below ``root``; return the files. ToolError when one can't be had."""
    return [save(root / FOLDER / name, objects(*release)) for name, release in RELEASES.items()]


def objects(module: str, version: str, files: Sequence[str], chart: Chart | None = None) -> list[dict[str, Any]]:
    """Return the objects of some files (patterns) of a module's release, then its chart's. ToolError when it can't
    be had."""
    with tempfile.TemporaryDirectory() as name:
        scratch, go = Path(name), ensure_go()
        command = [str(go.program), "mod", "download", "-json", f"{module}@{version}"]
        release = Path(json.loads(run(command, scratch, go.environment(scratch), scratch / "go.log"))["Dir"])
        plain = [each for pattern in files for path in sorted(release.glob(pattern)) for each in _objects(path)]
        return plain + (_rendered(release, chart, scratch) if chart else [])


def _rendered(release: Path, chart: Chart, scratch: Path) -> list[dict[str, Any]]:
    go, helm, log = ensure_go(), scratch / "helm", scratch / "helm.log"
    environment = go.environment(scratch)
    compile_program(go, Source(HELM, HELM_VERSION), helm, scratch / "module", log, environment)
    folder, found = release / chart.folder, scratch / "rendered.yaml"
    text = (folder / chart.defaults).read_text()
    for mark, filled in chart.filled.items():
        text = text.replace(mark, filled)
    values = scratch / "defaults.yaml", scratch / "values.json"
    values[0].write_text(text)
    values[1].write_text(json.dumps(chart.values))
    told = [word for file in values for word in ("--values", str(file))]
    where = ["--namespace", chart.namespace, "--kube-version", KUBERNETES]
    found.write_text(run([str(helm), "template", folder.name, str(folder), *where, *told], scratch, environment, log))
    return _objects(found)


def save(target: Path, found: Sequence[dict[str, Any]]) -> Path:
    """Write objects, one a line, the same bytes for the same objects; return the file."""
    target.parent.mkdir(exist_ok=True)
    lines = ",\n".join(json.dumps(each, separators=(",", ":"), sort_keys=True) for each in found)
    target.write_text(f"[\n{lines}\n]\n")
    return target


def _objects(path: Path) -> list[dict[str, Any]]:
    return [_slim(each) for each in yaml.safe_load_all(path.read_text()) if each]


def _slim(found: dict[str, Any]) -> dict[str, Any]:
    if found["kind"] != "CustomResourceDefinition":
        return found
    found.pop("status", None)
    spec = found["spec"]
    spec["versions"] = [each for each in spec["versions"] if each["storage"]]
    for version in spec["versions"]:
        version["schema"] = _undescribed(version["schema"])
    return found


def _undescribed(node: Any) -> Any:
    """A property may be called description: only text under that name is one."""
    if isinstance(node, dict):
        return {k: _undescribed(v) for k, v in node.items() if not (k == "description" and isinstance(v, str))}
    return [_undescribed(each) for each in node] if isinstance(node, list) else node


if __name__ == "__main__":
    sys.stdout.write("".join(f"{path}\n" for path in write(Path.cwd())))
