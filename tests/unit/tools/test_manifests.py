"""KubeRay's manifests as they are committed: of the release that the operator's image is, types whole but slim."""

import json
from pathlib import Path
from typing import Any

from groundplan.tools.manifests import FOLDER, KUBERAY_VERSION, _slim
from groundplan_components.kubernetes import ray_operator
from groundplan_components.kubernetes.images import UPSTREAM

ROOT = Path(__file__).resolve().parents[3]


def test_types_rights_and_image_are_of_one_release() -> None:
    assert (ROOT / FOLDER / f"kuberay-{KUBERAY_VERSION}.json").exists()
    assert ray_operator.RELEASE == KUBERAY_VERSION
    assert UPSTREAM["ray_operator"].endswith(f":{KUBERAY_VERSION}")


def test_the_types_are_those_that_are_stored_without_descriptions() -> None:
    types = ray_operator.types()
    assert [each["metadata"]["name"] for each in types] == [
        "rayclusters.ray.io",
        "raycronjobs.ray.io",
        "rayjobs.ray.io",
        "rayservices.ray.io",
    ]
    for each in types:
        [version] = each["spec"]["versions"]
        assert (version["name"], version["storage"]) == ("v1", True)
        assert '"description": "' not in json.dumps(version)


def test_a_property_called_description_stays() -> None:
    schema = {"description": "text", "properties": {"description": {"type": "string", "description": "text"}}}
    found: dict[str, Any] = {
        "kind": "CustomResourceDefinition",
        "spec": {"versions": [{"storage": True, "schema": schema}, {"storage": False, "schema": {}}]},
    }
    assert _slim(found)["spec"]["versions"] == [
        {"storage": True, "schema": {"properties": {"description": {"type": "string"}}}}
    ]
