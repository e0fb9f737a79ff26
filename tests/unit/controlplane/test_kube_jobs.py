"""The Job of a run: what it may use is what its run declares, and its name holds whatever an operation is called."""

from typing import Any

import pytest

from groundplan.controlplane.adapters.kube_jobs import GPU, Mould, job_name, manifest
from groundplan.controlplane.adapters.templates import Home

TEMPLATE: dict[str, Any] = {
    "metadata": {"labels": {"app.kubernetes.io/name": "run"}},
    "spec": {
        "restartPolicy": "Never",
        "serviceAccountName": "run",
        "initContainers": [{"name": "prepare", "env": []}],
        "containers": [
            {
                "name": "run",
                "env": [{"name": "HOME", "value": "/tmp"}],
                "resources": {"requests": {"cpu": "250m", "memory": "512Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}},
            }
        ],
    },
}
DOCUMENT = {"job": "train", "project": "air_traffic", "name": "delay",
            "resources": {"cpus": 4, "memory_mb": 6144, "timeout": "2h", "gpus": 1}}  # fmt: skip
MOULD = Mould(TEMPLATE, '{\n "stack": "x"\n}')
HOME = Home("core", "core_team", "air-traffic-run")


def test_a_run_gets_what_it_declares_and_a_gpu_its_node() -> None:
    job = manifest("run-x", MOULD, HOME, DOCUMENT, gpus=1)
    pod = job["spec"]["template"]["spec"]
    assert pod["containers"][0]["resources"]["limits"] == {"cpu": "4", "memory": "6656Mi", GPU: "1"}
    assert pod["containers"][0]["resources"]["requests"] == {"cpu": "250m", "memory": "6656Mi"}
    assert pod["tolerations"] == [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]
    assert job["spec"]["activeDeadlineSeconds"] == 7200 + 1800
    assert job["spec"]["backoffLimit"] == 0
    assert job["metadata"]["labels"]["groundplan.dev/project"] == "air-traffic"
    assert job["metadata"]["labels"]["groundplan.dev/team"] == "core-team"
    assert pod["serviceAccountName"] == "air-traffic-run"
    assert pod["initContainers"][0]["env"] == [{"name": "GROUNDPLAN_SETTINGS", "value": '{"stack": "x"}'}]


def test_the_template_stays_as_it_is() -> None:
    manifest("run-x", MOULD, HOME, DOCUMENT, gpus=1)
    plain = manifest("run-y", MOULD, HOME, {**DOCUMENT, "resources": {}}, gpus=0)
    pod = plain["spec"]["template"]["spec"]
    assert "tolerations" not in pod
    assert len(pod["initContainers"][0]["env"]) == 1
    assert GPU not in pod["containers"][0]["resources"]["limits"]
    assert [each["name"] for each in pod["containers"][0]["env"]] == ["HOME", "GROUNDPLAN_JOB"]


@pytest.mark.parametrize("operation", ["model:flights:delay:b319d09e383f2856", "x" * 300, "A_b@production:é"])
def test_names_are_names_of_kubernetes_and_differ(operation: str) -> None:
    first, second = job_name(operation), job_name(operation, 2)
    assert first != second
    assert first != job_name(f"{operation}.")
    for name in (first, second):
        assert len(name) <= 63
        assert name.replace("-", "").isalnum()
        assert name == name.lower()
        assert name.isascii()
