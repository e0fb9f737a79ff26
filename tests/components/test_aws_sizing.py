"""Where a part of the platform is to be right-sized on EKS, who does it is there, and no more than is needed for it."""

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

pytest.importorskip("pulumi_aws", reason="SKIPPED: the extra `aws` is not installed: uv sync --extra aws")

from tests.support.aws.registrations import ROOT, Answers, Recorder, Registration, example, registration

from groundplan.spec.cluster import PartSpec
from groundplan.tools.manifests import FOLDER, VPA_VERSION
from groundplan_components.aws import rightsizing
from groundplan_components.deploy import deploy


def deployed(**right_size: Any) -> list[Registration]:
    """Everything of stacks/prod.yaml with parts of the platform that are right-sized."""
    stack, plan = example()
    parts = {name: PartSpec(right_size=mode) for name, mode in right_size.items()}
    stack = stack.model_copy(update={"cluster": stack.cluster.model_copy(update={"parts": parts})})
    recorder = Recorder()
    mocks.set_mocks(Answers(), project="groundplan", stack="prod", monitor=recorder)
    pulumi.runtime.set_config("groundplan:stack-id", "0b5e9f0e-test")
    pulumi.runtime.test(lambda: deploy(stack, plan, ROOT) and None)()
    return [registration(each) for each in recorder.requests]


def named(found: list[Registration], kind: str) -> set[str]:
    """The objects of a kind that are the autoscaler's."""
    objects = [each for each in found if each.type.startswith("kubernetes:") and each.type.endswith(f":{kind}")]
    return {each.inputs["metadata"]["name"] for each in objects if "vpa" in each.inputs["metadata"]["name"]}


def test_the_committed_release_is_the_one_that_is_named() -> None:
    assert (ROOT / FOLDER / f"vertical-pod-autoscaler-{VPA_VERSION}.json").exists()
    assert rightsizing.RELEASE == VPA_VERSION
    images = [one["image"] for each in rightsizing.objects(True).values() if each["kind"] == "Deployment"
              for one in each["spec"]["template"]["spec"]["containers"]]  # fmt: skip
    assert all(image.endswith(f":{VPA_VERSION.removeprefix('v')}") for image in images)
    assert len(images) == 3


def test_nothing_is_there_that_nobody_asked_for() -> None:
    assert named(deployed(), "Deployment") == set()


def test_to_recommend_takes_the_recommender_alone() -> None:
    found = deployed(mlflow="recommend")
    assert named(found, "Deployment") == {"vpa-recommender"}
    assert named(found, "Secret") == named(found, "Service") == set()
    assert not any("eviction" in each.name for each in found)
    assert [each.inputs["spec"]["updatePolicy"] for each in found if each.type.endswith(":VerticalPodAutoscaler")] == [
        {"updateMode": "Off"}
    ]


def test_to_apply_takes_all_three_and_a_certificate_for_the_webhooks_one_name() -> None:
    found = deployed(mlflow="apply", feast="recommend")
    assert named(found, "Deployment") == {"vpa-recommender", "vpa-updater", "vpa-admission-controller"}
    assert named(found, "Secret") == {rightsizing.TLS}
    [certificate] = [each for each in found if each.name == "vpa-certificate" and "hosts" in each.inputs]
    assert certificate.inputs["hosts"] == ["vpa-webhook.kube-system.svc"]


def test_its_pods_may_nothing_that_they_do_not_need() -> None:
    for each in rightsizing.objects(True).values():
        if each["kind"] == "Deployment":
            spec = each["spec"]["template"]["spec"]
            assert spec["securityContext"]["runAsNonRoot"]
            assert all(one["securityContext"] == rightsizing.RESTRICTED for one in spec["containers"])
