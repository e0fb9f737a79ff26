"""Programs of Kubernetes objects under the real engine and the test provider."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.lifecycle import ROOT, Declared, Lab

PLUGIN = ROOT / "tests/support/kubeprovider"


def kube_lab(folder: Path, kubeconfig: Path) -> Lab:
    """Return a lab whose program declares objects of the cluster that ``kubeconfig`` leads to."""
    return Lab(folder, {"kubeconfig": str(kubeconfig)}, package="kubernetes", plugin=PLUGIN)


def declared(manifest: Mapping[str, Any], *after: str) -> Declared:
    """Return a manifest as a resource of the program, named ``<Kind>-<name>``; ``after`` name what it depends on."""
    version = manifest["apiVersion"]
    token = f"kubernetes:{version if '/' in version else f'core/{version}'}:{manifest['kind']}"
    return Declared(token, f"{manifest['kind']}-{manifest['metadata']['name']}", manifest, after)
