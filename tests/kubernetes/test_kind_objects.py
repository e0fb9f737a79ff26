"""The whole platform of the ``kind`` stack on a real API server: nothing is refused, everything is scheduled and runs.

Nodes are simulated, and so are the pods on them; the types, their validation, Pod Security, quotas, the stack's own
admission rules, the scheduler and the controllers are real.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.kube.api import Api, ApiError, Name, UnknownKind, name_of
from tests.support.kube.children import until
from tests.support.kube.controlplane import ControlPlane
from tests.support.recorded import MARK, SIGN, Recorded

MANAGER = "groundplan-test"
NAMESPACE = "groundplan"
SERVERS = ("Deployment", "StatefulSet")


@pytest.fixture(scope="module")
def objects() -> list[dict[str, Any]]:
    return [_plain(each) for each in Recorded().objects().values()]


@pytest.fixture(scope="module")
def api(cluster: ControlPlane, objects: list[dict[str, Any]]) -> Iterator[Api]:
    found = cluster.api
    for each in objects:
        _applied(found, each)
    yield found
    for each in reversed(objects):
        found.delete(name_of(each), "Background")
    until(lambda: found.get(Name("v1", "Namespace", None, NAMESPACE)) is None, "the namespace is gone", 120)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(MARK) == SIGN:
            return _plain(value["value"])
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _applied(api: Api, thing: dict[str, Any]) -> None:
    """New types and rules take a moment until the API server goes by them."""

    def taken() -> bool:
        try:
            api.apply(thing, MANAGER)
        except UnknownKind:
            return False
        return True

    until(taken, f"{name_of(thing)} is taken", 30)


def _of(objects: list[dict[str, Any]], *kinds: str) -> list[Name]:
    return [name_of(each) for each in objects if each["kind"] in kinds]


def test_every_object_is_taken_as_it_is_declared(api: Api, objects: list[dict[str, Any]]) -> None:
    """Strict validation refuses a field that a type does not have; defaults are filled in beside what is declared."""
    assert all(api.get(name_of(each)) for each in objects)


def test_applied_again_nothing_changes(api: Api, objects: list[dict[str, Any]]) -> None:
    for each in objects:
        before = api.get(name_of(each)) or {}
        after = api.apply(each, MANAGER)
        assert after["metadata"].get("generation") == before["metadata"].get("generation"), name_of(each)


def test_every_server_is_scheduled_and_available(api: Api, objects: list[dict[str, Any]]) -> None:
    servers = _of(objects, *SERVERS)
    assert len(servers) >= 10

    for name in servers:
        until(lambda name=name: _ready(api.get(name) or {}), f"{name} is ready", 120)


def _ready(server: dict[str, Any]) -> bool:
    return int(server.get("status", {}).get("readyReplicas") or 0) >= int(server["spec"]["replicas"])


def test_every_job_ends_well(api: Api, objects: list[dict[str, Any]]) -> None:
    for name in _of(objects, "Job"):
        until(lambda name=name: bool((api.get(name) or {}).get("status", {}).get("succeeded")), f"{name} is done", 90)


def test_volumes_are_claimed_for_what_keeps_data(api: Api) -> None:
    wanted = {f"data-{name}-0" for name in ("database", "objects", "online-store", "prometheus")} | {"backup"}

    def claimed() -> bool:
        return wanted <= {each["metadata"]["name"] for each in api.list("v1", "PersistentVolumeClaim", NAMESPACE)}

    until(claimed, "every volume is claimed", 60)


def test_services_lead_to_pods(api: Api, objects: list[dict[str, Any]]) -> None:
    for name in _of(objects, "Service"):
        if name.name.startswith("ray"):
            continue  # by the operator's pods
        label = f"kubernetes.io/service-name={name.name}"

        def found(label: str = label) -> bool:
            slices = api.list("discovery.k8s.io/v1", "EndpointSlice", NAMESPACE, labelSelector=label)
            return any(each.get("endpoints") for each in slices)

        until(found, f"{name} leads to pods", 60)


def test_what_is_not_restricted_is_refused_beside_it(api: Api, objects: list[dict[str, Any]]) -> None:
    bad = next(each for each in objects if each["kind"] == "Deployment" and each["metadata"]["name"] == "mlflow")
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {**bad["metadata"], "name": "bad"}}
    spec = bad["spec"]["template"]["spec"]
    pod["spec"] = {**spec, "containers": [{**spec["containers"][0], "securityContext": {"privileged": True}}]}
    with pytest.raises(ApiError, match="restricted"):
        api.apply(pod, MANAGER, dry_run=True)
