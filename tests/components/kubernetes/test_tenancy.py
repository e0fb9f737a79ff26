"""What each team gets, who may do what in it, and who may talk to whom: the declared flows and no other."""

import itertools
from typing import Any

import pytest
from tests.components.kubernetes.reading import Pod, may
from tests.components.kubernetes.stage import Recorder, arguments, registered

from groundplan.spec.access import INHERITS
from groundplan.targets.flows import PARTS, PORTS
from groundplan_components.kubernetes.tenancy import Tenancy
from groundplan_components.kubernetes.tenancy.roles import rights_of


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    return registered(lambda: Tenancy("tenancy", arguments()))


@pytest.fixture(scope="module")
def policies(recorder: Recorder) -> list[dict[str, Any]]:
    return [each for title, each in recorder.objects.items() if recorder.types[title].endswith(":NetworkPolicy")]


def part(name: str) -> Pod:
    return Pod("groundplan", (("app.kubernetes.io/component", name),))


def pod(namespace: str, project: str, component: str = "run") -> Pod:
    return Pod(namespace, (("groundplan.dev/project", project), ("app.kubernetes.io/component", component)))


def test_a_team_is_a_namespace_that_takes_restricted_pods_only(recorder: Recorder) -> None:
    for team, namespace in (("core", "core"), ("text-mining", "text-mining")):
        made = recorder.objects[f"tenancy-{team}-namespace"]
        assert made["metadata"]["name"] == namespace
        labels = made["metadata"]["labels"]
        assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
        assert labels["groundplan.dev/admission"] == "groundplan-kind"
        assert labels["groundplan.dev/team"] == team


def test_every_object_inside_says_whose_it_is_and_waits_for_nothing_else_but_its_namespace(recorder: Recorder) -> None:
    inside = {t: o for t, o in recorder.objects.items() if "metadata" in o and not t.endswith("-namespace")}
    assert len(inside) > 40
    for title, made in inside.items():
        assert made["metadata"]["namespace"] in {"core", "text-mining", "groundplan"}, title
        assert made["metadata"]["labels"]["groundplan.dev/stack"] == "kind", title


def test_quota_and_limits(recorder: Recorder) -> None:
    hard = recorder.objects["tenancy-core-quota"]["spec"]["hard"]
    assert hard["requests.cpu"] == "4"
    assert hard["limits.memory"] == "16Gi"
    assert hard["requests.nvidia.com/gpu"] == "2"
    assert (hard["pods"], hard["services.nodeports"], hard["services.loadbalancers"]) == ("20", "0", "0")
    pods, volumes = recorder.objects["tenancy-core-limits"]["spec"]["limits"]
    assert pods == {"type": "Pod", "max": {"cpu": "2", "memory": "8Gi"}}
    assert volumes == {"type": "PersistentVolumeClaim", "max": {"storage": "100Gi"}}
    assert recorder.objects["tenancy-text-mining-quota"]["spec"]["hard"]["requests.nvidia.com/gpu"] == "0"


def test_no_limit_is_given_to_who_says_none(recorder: Recorder) -> None:
    """A default would hide a missing limit from the admission rules."""
    for team in ("core", "text-mining"):
        for limit in recorder.objects[f"tenancy-{team}-limits"]["spec"]["limits"]:
            assert limit["type"] != "Container"
            assert set(limit) == {"type", "max"}


def test_a_role_has_all_rights_of_those_it_inherits_from(recorder: Recorder) -> None:
    def rights(role: str) -> set[tuple[str, str, str]]:
        rules = recorder.objects[f"tenancy-core-role-groundplan-{role.replace('_', '-')}"]["rules"]
        return {c for r in rules for c in itertools.product(r["apiGroups"], r["resources"], r["verbs"])}

    for role, parents in INHERITS.items():
        for parent in parents:
            assert rights(role) >= rights(parent)
    assert rights("viewer") < rights("data_scientist") < rights("ml_engineer") < rights("platform_admin")
    assert rights("approver") == rights("viewer")


def test_only_admins_read_secrets_and_nobody_changes_what_is_declared() -> None:
    for role in INHERITS:
        for groups, resources, verbs in rights_of(role):
            assert "*" not in (*groups, *resources, *verbs)
            if {"secrets", "pods/exec"} & set(resources):
                assert role == "platform_admin"
            if {"resourcequotas", "limitranges", "networkpolicies", "roles", "rolebindings"} & set(resources):
                assert set(verbs) == {"get", "list", "watch"}
    assert not any("namespaces" in resources for role in INHERITS for _, resources, _ in rights_of(role))


def test_a_group_is_bound_where_it_holds_the_role_in_every_project(recorder: Recorder) -> None:
    bound = {
        (o["metadata"]["namespace"], o["roleRef"]["name"], o["subjects"][0]["name"])
        for t, o in recorder.objects.items()
        if recorder.types[t].endswith(":RoleBinding")
    }
    assert bound == {
        ("core", "groundplan-ml-engineer", "core"),
        ("core", "groundplan-platform-admin", "ops"),
        ("text-mining", "groundplan-platform-admin", "ops"),
        ("groundplan", "groundplan-platform-admin", "ops"),
    }


def test_each_kind_of_work_has_an_account_without_a_token(recorder: Recorder) -> None:
    accounts = [o for t, o in recorder.objects.items() if recorder.types[t].endswith(":ServiceAccount")]
    assert {o["metadata"]["name"] for o in accounts} == {"churn-run", "flights-serving", "flights-run"}
    assert all(o["automountServiceAccountToken"] is False for o in accounts)


def test_every_namespace_is_closed_both_ways(policies: list[dict[str, Any]]) -> None:
    closed = [p for p in policies if p["metadata"]["name"] == "default-deny"]
    assert {p["metadata"]["namespace"] for p in closed} == {"groundplan", "core", "text-mining"}
    assert all(p["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]} for p in closed)


def test_the_platforms_own_flows_are_open_and_no_other(policies: list[dict[str, Any]]) -> None:
    declared = {(source, target) for source, target, _ in PARTS}
    for source, target in itertools.product({*PORTS, "backup", "ray_operator"}, PORTS):
        mesh = source in ("ray_head", "ray_worker") and target in ("ray_head", "ray_worker")
        expected = (source, target) in declared or mesh
        assert may(policies, part(source), part(target), PORTS[target][0]) == expected, (source, target)


ALLOWED = [
    (pod("core", "flights"), part("database"), 5432),
    (pod("core", "flights", "serving"), part("online_store"), 6379),
    (pod("core", "churn"), part("mlflow"), 5000),
    (pod("core", "flights"), pod("core", "flights", "serving"), 10001),
    (part("ray_operator"), pod("core", "churn"), 8265),
    (pod("core", "flights"), Pod(address="10.7.3.4"), 5432),
    (Pod(address="192.0.2.7"), part("gateway"), 8443),
]
FOREIGN = [
    # another team, another project, a part that is not needed, another port
    (pod("core", "flights"), pod("text-mining", "notes"), 8000),
    (pod("text-mining", "notes"), pod("core", "flights", "serving"), 8000),
    (pod("core", "churn"), pod("core", "flights"), 8000),
    (pod("text-mining", "notes"), part("database"), 5432),
    (pod("core", "churn"), part("online_store"), 6379),
    (pod("core", "churn"), part("database"), 5432),
    (pod("core", "flights"), part("controlplane"), 8080),
    (pod("core", "flights"), part("grafana"), 3000),
    (pod("core", "flights"), part("database"), 22),
    (pod("core", "flights"), Pod(address="10.7.3.4"), 443),
    (pod("core", "flights"), Pod(address="192.0.2.7"), 5432),
    (pod("text-mining", "notes"), Pod(address="10.7.3.4"), 5432),
    # runs are in the namespaces of teams, and the platform's own pods go on without them
    (Pod("groundplan", (("app.kubernetes.io/component", "run"),)), part("database"), 5432),
    (part("controlplane"), pod("core", "flights"), 8265),
    # what answers is not in a team's namespace; the outside to what is behind the gateway
    (part("gateway"), pod("core", "flights", "serving"), 8000),
    (part("gateway"), pod("core", "churn", "serving"), 8000),
    (Pod(address="192.0.2.7"), part("database"), 5432),
    (Pod(address="192.0.2.7"), pod("core", "flights", "serving"), 8000),
    (part("database"), Pod(address="192.0.2.7"), 443),
    # no labels, no flows
    (Pod("core"), part("database"), 5432),
    (Pod("default"), part("database"), 5432),
]


@pytest.mark.parametrize(("source", "target", "port"), ALLOWED)
def test_declared_flows_are_open(policies: list[dict[str, Any]], source: Pod, target: Pod, port: int) -> None:
    assert may(policies, source, target, port)


@pytest.mark.parametrize(("source", "target", "port"), FOREIGN)
def test_foreign_flows_are_not(policies: list[dict[str, Any]], source: Pod, target: Pod, port: int) -> None:
    assert not may(policies, source, target, port)


EVERYONE = [*(part(name) for name in PORTS), pod("core", "flights"), pod("text-mining", "notes")]


@pytest.mark.parametrize("source", EVERYONE)
def test_everybody_may_ask_for_names(policies: list[dict[str, Any]], source: Pod) -> None:
    names = Pod("kube-system", (("k8s-app", "kube-dns"),))
    assert may(policies, source, names, 53, "UDP")
    assert not may(policies, source, names, 22)


def test_the_same_declaration_gives_the_same_objects(recorder: Recorder) -> None:
    again = registered(lambda: Tenancy("tenancy", arguments()))
    assert {t: o for t, o in recorder.objects.items() if t in again.objects} == again.objects
