"""Teams on a real API server: what is in order is admitted; what is not is refused, and says why and what helps."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.rules import SHAPES, admission_manifests, shape_of
from groundplan_components.kubernetes import security, trivy
from groundplan_components.kubernetes.admission import settings_of
from groundplan_components.kubernetes.tenancy import space
from groundplan_components.kubernetes.tenancy.component import platform_manifests, team_manifests
from tests.components.kubernetes.stage import PLACE, arguments, stack
from tests.components.kubernetes.test_add_ons import FALCO, TRIVY
from tests.support.kube.api import Api, ApiError, Name
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.unit.rules.samples import BAD, GOOD, OBJECTS, REGISTRY, template, wrap

MANAGER = "pulumi-kubernetes"
#: What the control plane serves itself; KubeRay's kinds need its CRDs (tests/unit/rules asks about those).
BUILT_IN = ("Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob")
PLATFORM = "groundplan"
BINDING = "ValidatingAdmissionPolicyBinding"
STRATEGIC = "application/strategic-merge-patch+json"
_CONFINED = {
    "runAsNonRoot": True,
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
    "seccompProfile": {"type": "RuntimeDefault"},
}


@pytest.fixture(scope="module")
def api(cluster: ControlPlane) -> Iterator[Api]:
    """A cluster on which the two teams of the stage live, with the stack's admission rules."""
    args = arguments()
    policies = _policies(args.admission)
    made = [space.namespace(args.place, args.admission), *policies]
    for team in args.teams:
        made += [space.namespace(args.place_of(team), args.admission), *team_manifests(args, team).values()]
    made += platform_manifests(args).values()
    for manifest in made:
        cluster.api.apply(manifest, MANAGER)
    until(lambda: _in_force(cluster.api), "the admission rules are in force", 60)
    yield cluster.api
    for manifest in reversed(policies):
        cluster.api.delete(_name(manifest))
    for namespace in args.namespaces:
        cluster.api.delete(Name("v1", "Namespace", None, namespace))
    until(lambda: not _there(cluster.api, args.namespaces), "namespaces gone", 120)


def _policies(name: str) -> list[dict[str, Any]]:
    return admission_manifests(name, settings_of(stack(), PLATFORM, ()), "enforce", {})


def _there(api: Api, namespaces: list[str]) -> list[str]:
    return [name for name in namespaces if api.get(Name("v1", "Namespace", None, name))]


def _name(manifest: dict[str, Any]) -> Name:
    metadata = manifest["metadata"]
    return Name(manifest["apiVersion"], manifest["kind"], metadata.get("namespace"), metadata["name"])


def _pod(change: Any, kind: str = "Pod") -> dict[str, Any]:
    """An object of the team core around a pod in which one thing is changed."""
    pod = template()
    pod["spec"]["containers"][0]["name"] = "main"
    change(pod)
    return _whole(wrap(kind, pod))


def _whole(thing: dict[str, Any]) -> dict[str, Any]:
    """What the samples leave out because no rule asks about it."""
    thing = copy.deepcopy(thing)
    shape = shape_of(thing["kind"], SHAPES)
    assert shape is not None
    thing["apiVersion"] = f"{shape.group}/{shape.version}" if shape.group else shape.version
    thing["metadata"] = {**thing["metadata"], "namespace": thing["metadata"].get("namespace", "core")}
    if thing["metadata"]["namespace"] == "flights":
        thing["metadata"]["namespace"] = "core"
    for pod in shape.find(thing):
        _complete(pod, thing)
    return _typed(thing)


def _complete(pod: Any, thing: dict[str, Any]) -> None:
    if thing["kind"] != "Pod":
        pod["metadata"] = {"labels": {**pod["metadata"].get("labels", {}), "app": "x"}}
    if thing["kind"] in ("Job", "CronJob"):
        pod["spec"]["restartPolicy"] = "Never"


def _typed(thing: dict[str, Any]) -> dict[str, Any]:
    selector = {"selector": {"matchLabels": {"app": "x"}}}
    more: dict[str, Any] = {
        "Deployment": selector,
        "StatefulSet": {**selector, "serviceName": "x"},
        "DaemonSet": selector,
        "ReplicaSet": selector,
        "CronJob": {"schedule": "0 0 * * *"},
        "Service": {"ports": [{"port": 80}]},
        "Ingress": {"defaultBackend": {"service": {"name": "x", "port": {"number": 80}}}},
    }
    thing["spec"] = {**more.get(thing["kind"], {}), **thing["spec"]}
    if thing["kind"] == "Service":
        thing["spec"]["ports"] = [{"port": 80}]
    if thing["kind"] == "Ingress" and not thing["spec"].get("rules"):
        thing["spec"].pop("rules", None)
    return thing


def _privileged(containers: str) -> Any:
    security = {"privileged": True, "allowPrivilegeEscalation": True}
    return lambda pod: pod["spec"][containers][0]["securityContext"].update(security)


def _in_force(api: Api) -> bool:
    """Whether the API server has read every policy: it takes a moment after they are there."""
    change = CHANGES["missing-limits"][0]
    objects = [*(_pod(change, kind) for kind in BUILT_IN), *(_whole(thing) for _, thing, fine in OBJECTS if not fine)]
    return all("groundplan/" in _refused(api, thing) for thing in objects)


def _refused(api: Api, thing: dict[str, Any]) -> str:
    """Why an object is refused; nothing when it is admitted. Nothing is kept either way."""
    try:
        api.apply(thing, MANAGER, dry_run=True)
    except ApiError as error:
        if error.code not in (403, 422):
            raise
        return str(error)
    return ""


#: The API server knows by itself that a privileged container may gain privileges: it says so before any rule does.
CHANGES = BAD | {"privileged": [_privileged("containers"), _privileged("initContainers")]}
CASES = [(rule, n) for rule, changes in CHANGES.items() for n in range(len(changes))]


@pytest.mark.parametrize("kind", BUILT_IN)
@pytest.mark.parametrize(("rule", "number"), CASES)
def test_what_breaks_a_rule_is_refused_with_its_name_and_the_fix(api: Api, rule: str, number: int, kind: str) -> None:
    thing = _pod(CHANGES[rule][number], kind)
    if "ephemeralContainers" in str(thing):
        return  # those come by a request of their own
    reason = _refused(api, thing)
    assert reason
    if kind != "Pod":  # a pod is judged by Pod Security and quota too, and by whichever comes first
        assert f"groundplan/{rule}:" in reason
        assert "fix:" in reason


@pytest.mark.parametrize("kind", BUILT_IN)
@pytest.mark.parametrize("number", range(len(GOOD)))
def test_what_is_in_order_is_admitted(api: Api, number: int, kind: str) -> None:
    thing = _pod(GOOD[number], kind)
    text = str(thing)
    if "ephemeralContainers" in text or "localhost/groundplan" in text:
        return
    assert _refused(api, thing) == ""


@pytest.mark.parametrize(("rule", "thing", "fine"), OBJECTS)
def test_other_objects(api: Api, rule: str, thing: dict[str, Any], fine: bool) -> None:
    reason = _refused(api, _whole(thing))
    assert (reason == "") == fine, reason
    assert fine or f"groundplan/{rule}:" in reason


def test_an_ephemeral_container_is_judged_too(api: Api) -> None:
    """It comes by a request of its own, when the pod is there already."""
    pod = _pod(GOOD[0])
    pod["metadata"]["name"] = "debugged"
    api.apply(pod, MANAGER)
    path = f"{api.path(_name(pod))}/ephemeralcontainers"
    debug = {"name": "debug", "image": "docker.io/library/busybox:latest", "securityContext": _CONFINED}
    with pytest.raises(ApiError, match="groundplan/"):
        api.call("PATCH", path, body={"spec": {"ephemeralContainers": [debug]}}, content=STRATEGIC)
    good = {**debug, "image": f"{REGISTRY}/debug@sha256:{'0' * 64}"}
    api.call("PATCH", path, body={"spec": {"ephemeralContainers": [good]}}, content=STRATEGIC)
    api.delete(_name(pod), "Background")


def test_what_former_rules_let_in_may_be_scaled_and_not_changed(api: Api) -> None:
    """As a roll-out does with the ReplicaSets of the release before, whose images the rules do not name any more."""
    args = arguments()
    (place,) = [
        each
        for each in _policies(args.admission)
        if each["kind"] == BINDING and each["metadata"]["name"].endswith("-workloads")
    ]
    old = _pod(lambda pod: pod["spec"]["containers"][0].update(image="elsewhere.test/old:1"), "Deployment")
    old["spec"]["replicas"] = 2
    api.delete(_name(place))
    until(lambda: _refused(api, old) == "", "the rules are no longer in force", 60)
    api.apply(old, MANAGER)
    api.apply(place, MANAGER)
    until(lambda: _in_force(api), "the rules are in force again", 60)
    scaled = {**old, "spec": {**old["spec"], "replicas": 0}}
    assert _refused(api, scaled) == ""
    scaled["spec"]["template"]["spec"]["containers"][0]["image"] = "elsewhere.test/old:2"
    assert "groundplan/unpinned-image" in _refused(api, scaled)
    api.delete(_name(old), "Background")


def test_quota_is_counted_over_the_whole_team(api: Api) -> None:
    """Four CPUs and two GPUs for the team, two CPUs for one pod: the third such pod is one too many."""
    until(lambda: not api.list("v1", "Pod", "core"), "the pods of other tests gone", 60)
    pods = [_sized(f"worker-{n}", cpu="2", memory="1Gi") for n in range(3)]
    for pod in pods[:2]:
        api.apply(pod, MANAGER)
    with pytest.raises(ApiError, match=r"exceeded quota: team.*requests\.cpu"):
        api.apply(pods[2], MANAGER)
    for pod in pods[:2]:
        api.delete(_name(pod), "Background")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cpu": "3", "memory": "1Gi"}, "maximum cpu usage per Pod is 2"),
        ({"cpu": "1", "memory": "9Gi"}, "maximum memory usage per Pod is 8Gi"),
        ({"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "3"}, "requests.nvidia.com/gpu"),
        ({"memory": "1Gi"}, "No limit is specified"),
    ],
)
def test_one_pod_may_not_ask_for_more_than_is_declared(api: Api, asked: dict[str, str], words: str) -> None:
    assert words in _refused(api, _sized("large", **asked))


def test_a_team_without_gpus_gets_none(api: Api) -> None:
    pod = _sized("greedy", **{"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": "1"})
    pod["metadata"]["namespace"] = "text-mining"
    api.apply(space.account(arguments().place_of("text_mining"), "notes", "serving"), MANAGER)
    pod["spec"]["serviceAccountName"] = "notes-serving"
    assert "requests.nvidia.com/gpu" in _refused(api, pod)


def test_applied_again_nothing_changes(api: Api) -> None:
    """What the API server makes of a quantity or a default must be what was declared, or every look sees a change."""
    args = arguments()
    for team in args.teams:
        for manifest in team_manifests(args, team).values():
            before = api.get(_name(manifest))
            after = api.apply(manifest, MANAGER)
            assert before is not None
            assert before["metadata"]["resourceVersion"] == after["metadata"]["resourceVersion"], _name(manifest)
            for key in ("spec", "rules", "subjects", "roleRef"):
                assert after.get(key) == manifest.get(key), _name(manifest)


def test_roles_are_what_the_api_server_answers_by(api: Api) -> None:
    """Asked of the API server itself: may this group do that, there?"""
    asked = {
        ("core", "core", "apps", "deployments", "update"): True,
        ("core", "core", "", "secrets", "get"): False,
        ("core", "core", "", "resourcequotas", "update"): False,
        ("core", "text-mining", "", "pods", "list"): False,
        ("core", "groundplan", "", "pods", "list"): False,
        ("look", "core", "", "pods", "list"): False,  # a viewer of one of the team's two projects
        ("ops", "text-mining", "", "secrets", "get"): True,
        ("ops", "text-mining", "networking.k8s.io", "networkpolicies", "delete"): False,
    }
    assert {key: _allowed(api, *key) for key in asked} == asked


def test_add_ons_are_admitted_where_teams_would_not_be(api: Api) -> None:
    declared = stack(security={**FALCO, **TRIVY}).security
    assert declared.falco
    assert declared.trivy
    made = security.falco(declared.falco, PLACE, ["core"])
    made |= trivy.manifests(declared.trivy, PLACE, security.NAMESPACE, ["core"])
    home = security.namespace(PLACE)
    api.apply(home, MANAGER)
    for manifest in made.values():
        assert _refused(api, manifest) == "", manifest["kind"]
    in_team = security.falco(declared.falco, PLACE, ["core"])["falco"]
    in_team["metadata"] = {**in_team["metadata"], "namespace": "core"}
    assert "groundplan/host-access:" in _refused(api, in_team)
    api.delete(_name(home))


def _sized(name: str, **limits: str) -> dict[str, Any]:
    pod = _pod(lambda pod: pod["spec"].pop("initContainers"))
    pod["metadata"]["name"] = name
    pod["spec"]["containers"][0]["resources"] = {"limits": limits}
    return pod


def _allowed(api: Api, group: str, namespace: str, api_group: str, resource: str, verb: str) -> bool:
    attributes = {"namespace": namespace, "group": api_group, "resource": resource, "verb": verb}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {"user": "ana", "groups": [group], "resourceAttributes": attributes},
    }
    return bool(
        api.call("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", body=review)["status"]["allowed"]
    )
