"""What the cluster itself refuses, and where pods may land: the ground on which tenancy and admission are tested."""

import pytest

from tests.support.kube.api import Name
from tests.support.kube.controlplane import ControlPlane
from tests.support.kube.lab import declared
from tests.support.kube.shop import container, deployment, job, manifest, namespace_of, pod
from tests.support.lifecycle import Declared, Lab

GPU = "nvidia.com/gpu"


@pytest.fixture
def home(cluster: ControlPlane, namespace: str) -> str:
    """A namespace that is there already: only then a preview can ask the API server about what belongs into it."""
    cluster.api.apply(namespace_of(namespace), "test")
    return namespace


def refused(lab: Lab, *program: Declared, preview: bool) -> str:
    lab.declare(*program)
    result = lab.preview(ok=False) if preview else lab.up(ok=False)
    assert result.code != 0
    assert "Traceback" not in result.text
    return result.text


def test_a_privileged_pod_is_refused_in_preview(lab: Lab, home: str) -> None:
    spec = {"containers": [container(securityContext={"privileged": True})]}
    text = refused(lab, declared(manifest("v1", "Pod", "root", home, spec=spec)), preview=True)
    assert 'violates PodSecurity "restricted' in text
    assert "privileged" in text


def test_an_unknown_field_is_refused_in_preview(lab: Lab, home: str) -> None:
    text = refused(lab, declared(deployment(home, replica=3)), preview=True)
    assert ".spec.replica: field not declared in schema" in text


def test_a_quota_overrun_is_refused(lab: Lab, home: str) -> None:
    """The Deployment is admitted, its second pod never comes: `up` says why."""
    quota = manifest("v1", "ResourceQuota", "share", home, spec={"hard": {"pods": "1"}})
    wide = deployment(home)
    wide["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "5"}
    text = refused(lab, declared(quota), declared(wide, "ResourceQuota-share"), preview=False)
    assert "1 of 2 pods available" in text
    assert "exceeded quota: share" in text


def test_gpu_pods_land_only_on_gpu_nodes_and_others_never(cluster: ControlPlane, lab: Lab, home: str) -> None:
    asks = container(resources={"limits": {GPU: "1", "cpu": "1", "memory": "1Gi"}})
    toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
    gpu = pod(containers=[asks], tolerations=[toleration], restartPolicy="Never")
    train = job(home, "train", template=gpu, parallelism=4, completions=4)
    plain = deployment(home, replicas=6)
    lab.declare(declared(train), declared(plain))
    lab.up()
    places: dict[str, set[str]] = {}
    for each in cluster.api.list("v1", "Pod", home):
        name = each["metadata"]["labels"]["app.kubernetes.io/name"]
        places.setdefault(name, set()).add(each["spec"]["nodeName"])
    assert places["train"] <= {"gpu-a", "gpu-b"}
    assert places["shop"] <= {"node-a", "node-b", "node-c"}


def test_more_gpus_than_there_are_is_told(cluster: ControlPlane, lab: Lab, home: str) -> None:
    asks = container(resources={"limits": {GPU: "16", "cpu": "1", "memory": "1Gi"}})
    toleration = {"key": GPU, "operator": "Exists", "effect": "NoSchedule"}
    train = job(home, template=pod(containers=[asks], tolerations=[toleration], restartPolicy="Never"))
    train["metadata"]["annotations"] = {"pulumi.com/timeoutSeconds": "3"}
    text = refused(lab, declared(train), preview=False)
    assert "Insufficient nvidia.com/gpu" in text
    assert cluster.api.get(Name("batch/v1", "Job", home, "load")) is not None
