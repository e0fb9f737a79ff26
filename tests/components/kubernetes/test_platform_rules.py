"""The platform keeps the rules that it makes for others, and its own flows fit its own pods."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pulumi
import pytest
from tests.components.kubernetes.reading import Pod, may
from tests.components.kubernetes.stage import Recorder, registered

from groundplan.compose import load
from groundplan.plan import Plan, build_plan
from groundplan.rules import RULES, SHAPES, Settings, allowed, templates_of
from groundplan.spec import ClusterSpec, StackSpec
from groundplan.targets.flows import PORTS as FLOW_PORTS
from groundplan.targets.flows import Land, flows_of
from groundplan_components.deploy import deploy
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.target import land
from groundplan_components.kubernetes.tenancy.network import network_policies

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    """The repository's kind stack, deployed onto a recorder."""
    stack, projects = load(ROOT, "kind")
    plan = build_plan(stack, projects)

    def program() -> None:
        pulumi.runtime.set_config("groundplan:stack-id", "0b5e9f0e-kind")
        deploy(stack, plan, ROOT)

    return registered(program)


@pytest.fixture(scope="module")
def objects(recorder: Recorder) -> dict[str, dict[str, Any]]:
    return {t: o for t, o in recorder.objects.items() if recorder.types[t].startswith("kubernetes:")}


def settings(objects: dict[str, dict[str, Any]]) -> Settings:
    """What the policies that are registered allow."""
    images = {c["image"] for o in objects.values() for t in templates_of(o, o["kind"], SHAPES) for c in _all(t)}
    return Settings(("localhost/groundplan",), images=tuple(sorted(images)))


def _all(template: Any) -> list[dict[str, Any]]:
    return [*template["spec"]["containers"], *template["spec"].get("initContainers", ())]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_object_of_the_platform_keeps_the_rule(objects: dict[str, dict[str, Any]], rule: Any) -> None:
    given = settings(objects)
    broken = [title for title, each in objects.items() if not allowed(rule, each, each["kind"], given, SHAPES)]
    assert broken == []


def test_every_image_of_the_platform_is_one_that_its_policies_name(objects: dict[str, dict[str, Any]]) -> None:
    policy = str(objects["admission-policy-pods"]["spec"]["validations"])
    for image in settings(objects).images:
        assert f"'{image}'" in policy


def test_everything_in_the_namespaces_waits_for_the_rules(recorder: Recorder) -> None:
    made = list(recorder.types)
    assert made.index("admission-binding-pods") < made.index("namespace")


def test_ports_of_the_flows_are_those_of_the_services() -> None:
    same = {"ray": 8265, "serve": 8000}
    for name, port in PORTS.items():
        assert port in FLOW_PORTS.get(name.replace("-", "_"), (same.get(name),))


def test_pods_of_the_platform_are_reached_where_the_table_says(objects: dict[str, dict[str, Any]]) -> None:
    """The policies select by labels: these are the labels that the pods really have."""
    policies = [o for o in objects.values() if o["kind"] == "NetworkPolicy"]
    pods = {t: Pod("groundplan", tuple(_labels(o).items())) for t, o in objects.items() if _labels(o)}
    database, mlflow, gateway = pods["database-workload"], pods["mlflow-workload"], pods["gateway-workload"]
    assert may(policies, mlflow, database, 5432)
    assert may(policies, pods["database-setup-job"], database, 5432)
    assert may(policies, gateway, pods["controlplane-workload"], 8080)
    assert not may(policies, gateway, database, 5432)
    assert not may(policies, database, mlflow, 5000)


def test_services_elsewhere_that_the_stack_names_are_reached() -> None:
    site = Site(Place("groundplan", "x", "y"), ClusterSpec(), {}, {}, nodeports=frozenset({"gateway"}), issuer="x")
    services = {"identity": "https://login.example.org/realms/ml", "lineage": "http://marquez.example.org:5000"}
    stack = StackSpec.model_validate({"name": "x", "target": "kind", "services": services})
    assert land(stack, site).calls == (("controlplane", "lineage", 5000), ("gateway", "identity", 443))
    flows = flows_of(Plan("x", "kind", ()), {}, land(stack, site))
    made = network_policies(site.place, flows).values()
    there = Pod(address="192.0.2.9")
    assert may(made, _part("gateway"), there, 443)
    assert not may(made, _part("mlflow"), there, 443)


def test_data_services_of_a_cloud_are_reached_in_their_network() -> None:
    flows = flows_of(Plan("x", "aws", ()), {}, Land(data="10.0.0.0/16"))
    made = network_policies(Place("groundplan", "x", "y"), flows).values()
    inside, foreign = Pod(address="10.0.3.4"), Pod(address="192.0.2.9")
    assert may(made, _part("mlflow"), inside, 5432)
    assert not may(made, _part("mlflow"), foreign, 5432)
    assert may(made, _part("mlflow"), foreign, 443)  # S3
    assert not may(made, _part("identity"), foreign, 443)


def _part(name: str) -> Pod:
    return Pod("groundplan", (("app.kubernetes.io/component", name),))


def _labels(thing: dict[str, Any]) -> dict[str, str]:
    found = templates_of(thing, thing["kind"], SHAPES)
    return dict(found[0]["metadata"]["labels"]) if found else {}
