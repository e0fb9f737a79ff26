"""The whole ``aws`` target in one program: infrastructure, the platform in the cluster, what projects declare."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml
from pulumi.runtime import mocks

pytest.importorskip("pulumi_aws", reason="SKIPPED: the extra `aws` is not installed: uv sync --extra aws")

from tests.support.aws.registrations import ROOT, Answers, Recorder, Registration, example, registration

from groundplan_components.aws.entry import kubeconfig
from groundplan_components.aws.target import site_of
from groundplan_components.deploy import deploy


class Deployed:
    """stacks/prod.yaml, deployed onto the recorder."""

    def __init__(self) -> None:
        self.stack, self.plan = example()
        self.recorder = Recorder()
        mocks.set_mocks(Answers(), project="groundplan", stack="prod", monitor=self.recorder)
        pulumi.runtime.set_config("groundplan:stack-id", "0b5e9f0e-test")
        self.outputs: dict[str, Any] = {}
        pulumi.runtime.test(lambda: self.outputs.update(deploy(self.stack, self.plan, ROOT)))()
        self.all = [registration(each) for each in self.recorder.requests]

    def one(self, kind: str, name: str) -> Registration:
        [found] = [
            each
            for each in self.all
            if each.type.startswith("kubernetes:")
            and each.type.endswith(f":{kind}")
            and each.inputs["metadata"]["name"] == name
        ]
        return found


@pytest.fixture(scope="module")
def deployed(event_loop_of_the_thread: None) -> Iterator[Deployed]:
    return Deployed()


def test_the_platform_is_the_same_as_in_any_cluster_but_for_its_data(deployed: Deployed) -> None:
    parts = {each.type.rsplit(":", 1)[-1] for each in deployed.all if each.type.startswith("groundplan:kubernetes:")}
    assert {"Platform", "Gateway", "Ray", "Tracking", "ControlPlane", "Tenancy", "Admission"} <= parts
    assert parts & {"Database", "ObjectStore", "OnlineStore", "Backup"} == set()
    assert sum(each.type.startswith("groundplan:ml:") for each in deployed.all) == len(deployed.plan.nodes)


def test_pods_find_aws_and_have_no_key_of_it(deployed: Deployed) -> None:
    document = json.loads(deployed.one("ConfigMap", "platform-runtime").inputs["data"]["runtime.json"])
    assert document["region"] == "eu-central-1"
    assert document["tls"]
    assert document["bucket"] == "groundplan-prod-data-123456789012-eu-central-1"
    assert "objects" not in document["endpoints"]
    assert document["endpoints"]["database"] == "database.proxy-abc.eu-central-1.rds.amazonaws.com:5432"
    assert document["roles"]["flights-train-delay"].endswith(":role/groundplan-prod-flights-train-delay")
    held = deployed.one("Secret", "platform-secrets").inputs["data"]
    assert not any(name.startswith("objects") for name in held)
    for name in ("online-store", "online-store-reader"):
        assert "_" not in base64.b64decode(held[name]).decode()


def test_the_door_leads_to_ports_that_nodes_open(deployed: Deployed) -> None:
    targets = {each.name: each.inputs for each in deployed.all if each.type.endswith(":TargetGroup")}
    for name, target in targets.items():
        ports = [port for each in deployed.all if each.type == "kubernetes:core/v1:Service"
                 for port in each.inputs["spec"]["ports"] if port.get("nodePort") == target["port"]]  # fmt: skip
        assert len(ports) == 1, name
    opened = [port["nodePort"] for each in deployed.all if each.type == "kubernetes:core/v1:Service"
              for port in each.inputs["spec"]["ports"] if "nodePort" in port]  # fmt: skip
    assert sorted(opened) == sorted(target["port"] for target in targets.values())


def test_its_address_is_known_before_anything_exists(deployed: Deployed) -> None:
    assert deployed.outputs["gateway"] == "https://ml.example.org"
    assert deployed.outputs["endpoints"]["controlplane"] == "https://api.ml.example.org"
    assert deployed.outputs["gateway_ca"] is None
    [provider] = [each for each in deployed.all if each.type == "pulumi:providers:kubernetes"]
    assert provider.inputs["kubeconfig"].endswith(".groundplan/prod/kubeconfig")


def test_the_kubeconfig_holds_no_secret_and_goes_through_the_tunnel(deployed: Deployed) -> None:
    text = kubeconfig(site_of(deployed.stack), "groundplan-prod", "https://ABC.gr7.eks.amazonaws.com", "Q0E=")
    assert text is not None
    document = yaml.safe_load(text)
    [cluster] = document["clusters"]
    assert cluster["cluster"]["server"] == "https://127.0.0.1:16443"
    assert cluster["cluster"]["tls-server-name"] == "ABC.gr7.eks.amazonaws.com"
    assert document["users"][0]["user"].keys() == {"exec"}
