"""A run whose pod the cluster does not take: it waits while that may pass, is stopped where it cannot, and says why."""

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from groundplan.controlplane.adapters import jobs as jobs_module
from groundplan.controlplane.adapters.jobs import JobFailed
from groundplan.controlplane.adapters.kube_jobs import KubeJobs, Mould, job_name
from groundplan.controlplane.adapters.kube_refusals import passes, reason
from groundplan.controlplane.adapters.templates import Home
from groundplan.errors import ServiceError

QUOTA = "exceeded quota: team, requested: limits.memory=2560Mi, used: limits.memory=7Gi, limited: limits.memory=8Gi"
LARGE = "maximum memory usage per Pod is 8Gi, but limit is 9126805504"
DOCUMENT = {"job": "train", "project": "flights", "name": "delay", "resources": {}}
ID = "model:flights:delay:1"


def event(message: str, at: str = "2026-11-21T10:00:00Z", pod: str = "run-x-1a2b3") -> dict[str, Any]:
    return {"message": f'Error creating: pods "{pod}" is forbidden: {message}', "lastTimestamp": at}


class Cluster:
    """What answers for an API server with one Job, whose pods are refused until they are not."""

    def __init__(self, *refusals: str) -> None:
        self.refusals = list(refusals)
        self.job: dict[str, Any] | None = None
        self.asked: list[tuple[str, str]] = []

    def owner(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        return {"kind": kind, "name": name, "uid": namespace}

    def ask(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, content: str = ""
    ) -> httpx.Response:
        self.asked.append((method, path))
        if path.endswith("/events"):
            self.refusals, first = self.refusals[1:], self.refusals[:1]
            return httpx.Response(200, json={"items": [event(each) for each in first]})
        if path.endswith("/pods"):
            return httpx.Response(200, json={"items": []})
        return self._job(method, body)

    def _job(self, method: str, body: Any) -> httpx.Response:
        if method == "POST":
            self.job = {**body, "status": {}}
        elif method == "PATCH" and self.job is not None:
            self.job["status"] = {"conditions": [{"type": "Suspended", "status": "True"}]}
        elif self.job is not None and not self.refusals and "conditions" not in self.job["status"]:
            self.job["status"] = {"conditions": [{"type": "Complete", "status": "True"}]}
        return httpx.Response(200 if self.job else 404, json=self.job or {})


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs_module, "POLL", 0.0)


def kube_jobs(cluster: Cluster) -> KubeJobs:
    template = {
        "metadata": {"labels": {}},
        "spec": {"containers": [{"name": "run", "resources": {"limits": {}, "requests": {}}}]},
    }
    return KubeJobs(cluster, Mould(template), {"flights": Home("core", "core", "flights-run")})  # type: ignore[arg-type]


def test_a_run_that_a_quota_refuses_waits_says_so_once_and_goes_on() -> None:
    said: list[str] = []
    cluster = Cluster(QUOTA, QUOTA, QUOTA)
    kube_jobs(cluster).run(ID, DOCUMENT, said.append)
    assert said == [f"waits: {QUOTA}"]
    assert cluster.job is not None
    assert cluster.job["metadata"]["ownerReferences"] == [
        {"kind": "ServiceAccount", "name": "flights-run", "uid": "core"}
    ]


def test_a_run_that_is_too_large_for_a_pod_is_stopped_and_says_so() -> None:
    cluster = Cluster(LARGE, LARGE)
    with pytest.raises(JobFailed, match=f"the cluster takes no pod of it in namespace core: {LARGE}"):
        kube_jobs(cluster).run(ID, DOCUMENT, print)


def test_a_project_of_no_team_has_no_place() -> None:
    with pytest.raises(ServiceError, match=r"no team of this cluster has the project churn; fix: groundplan up"):
        kube_jobs(Cluster()).run("model:churn:x:1", {**DOCUMENT, "project": "churn"}, print)


def test_the_latest_refusal_counts_without_the_name_of_a_pod() -> None:
    older = event(LARGE, "2026-11-21T09:00:00Z")
    assert reason([older, event(QUOTA, pod="run-x-9z8y7"), older]) == QUOTA
    assert reason([]) == ""
    assert reason([{"message": "no known words", "eventTime": "2026-11-21T09:00:00Z"}]) == "no known words"


@pytest.mark.parametrize(
    ("why", "may"),
    [
        (QUOTA, True),
        ("status unknown for quota: team, resources: pods", True),
        (LARGE, False),
        ('violates PodSecurity "restricted:v1.34": privileged', False),
    ],
)
def test_what_may_pass(why: str, may: bool) -> None:
    assert passes(why) == may


def test_every_stop_looks_in_every_team() -> None:
    cluster = Cluster()
    kube_jobs(cluster).stop(ID)
    assert cluster.asked == [("GET", f"/apis/batch/v1/namespaces/core/jobs/{job_name(ID)}")]
