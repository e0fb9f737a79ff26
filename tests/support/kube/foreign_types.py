"""Types of other projects that objects of ours are of, where a stack declares them: as data, from their releases.

``python -m tests.support.kube.foreign_types`` writes ``types/`` again, from Go's modules (all are Apache-2.0). They are
kept as KubeRay's are: the version that is stored, without descriptions.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan.tools.manifests import objects, save

FOLDER = Path(__file__).parent / "types"


@dataclass(frozen=True)
class Release:
    """A project's release: its Go module, the version, the files that its types are in."""

    name: str
    module: str
    version: str
    files: tuple[str, ...]

    @property
    def path(self) -> Path:
        """The file that holds its types."""
        return FOLDER / f"{self.name}-{self.version}.json"


_GATEWAY = tuple(
    f"config/crd/standard/gateway.networking.k8s.io_{each}.yaml"
    for each in ("backendtlspolicies", "gatewayclasses", "gateways", "httproutes")
)
RELEASES = (
    Release("gateway-api", "sigs.k8s.io/gateway-api", "v1.6.3", _GATEWAY),
    Release("keda", "github.com/kedacore/keda/v2", "v2.21.0", ("config/crd/bases/keda.sh_scaledobjects.yaml",)),
    Release(
        "vertical-pod-autoscaler",
        "k8s.io/autoscaler/vertical-pod-autoscaler",
        "v1.8.1",
        ("deploy/vpa-v1-crd-gen.yaml",),
    ),
    Release(
        "cert-manager",
        "github.com/cert-manager/cert-manager",
        "v1.21.2",
        ("deploy/crds/cert-manager.io_certificates.yaml", "deploy/crds/cert-manager.io_clusterissuers.yaml"),
    ),
    Release("argo-cd", "github.com/argoproj/argo-cd/v3", "v3.5.7", ("manifests/crds/application-crd.yaml",)),
    Release(
        "external-secrets",
        "github.com/external-secrets/external-secrets",
        "v1.3.2",
        ("config/crds/bases/external-secrets.io_externalsecrets.yaml",),
    ),
)


def foreign_types() -> list[dict[str, Any]]:
    """Return every CustomResourceDefinition, as it is committed."""
    found = [each for release in RELEASES for each in json.loads(release.path.read_text())]
    return [each for each in found if each["kind"] == "CustomResourceDefinition"]


if __name__ == "__main__":
    for release in RELEASES:
        sys.stdout.write(f"{save(release.path, objects(release.module, release.version, release.files))}\n")
