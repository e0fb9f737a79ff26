"""Jobs as Jobs of Kubernetes: a pod for each, with the CPUs, the memory and the GPUs that its run declares.

The pod is made from a template that the deployment gives: image, secrets. It is in the namespace of the project's team,
as the project's account for runs, and counts in the team's quota. What a run may not exceed is enforced twice: by the
runtime inside, which says so in one line, and by the node around it.
"""

import copy
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import stamina

from groundplan.controlplane.adapters import kube_refusals
from groundplan.controlplane.adapters.jobs import Job, Jobs, Say, unlike_progress
from groundplan.controlplane.adapters.kube_api import KubeApi, Unreachable, message
from groundplan.controlplane.adapters.templates import Home
from groundplan.controlplane.ray_dashboard import one_line
from groundplan.errors import ServiceError
from groundplan.spec.resources import AROUND_MB
from groundplan_runtime.isolation.limits import Limits

GPU = "nvidia.com/gpu"
PROJECT, RUN, TEAM = "groundplan.dev/project", "groundplan.dev/run", "groundplan.dev/team"
#: The variable by which the init container is given the settings that it writes down (``groundplan_runtime.pod``).
SETTINGS = "GROUNDPLAN_SETTINGS"
#: Seconds for the API server to come back.
PATIENCE = 300.0
#: Seconds that a Job may take beyond its run's own limit (a node that has to come up), and is kept when it ended.
SLACK, KEPT = 1800, 86400
STRATEGIC = "application/strategic-merge-patch+json"


def job_name(submission_id: str, number: int = 1) -> str:
    """Return the name of one try of a job: readable, and a digest, since a name holds 63 characters."""
    slug = re.sub(r"[^a-z0-9]+", "-", submission_id.lower()).strip("-")[:36].rstrip("-")
    digest = hashlib.sha256(submission_id.encode()).hexdigest()[:10]
    return f"run-{slug}-{digest}" + (f"-{number}" if number > 1 else "")


@dataclass(frozen=True)
class Mould:
    """What the pods of runs are made from: a pod template, and the settings that each is given as JSON."""

    template: Mapping[str, Any]
    settings: str = "{}"


class KubeJobs(Jobs):
    """Jobs in the namespaces of teams. ``homes``: where the runs of each project are."""

    service = "controlplane"

    def __init__(self, api: KubeApi, mould: Mould, homes: Mapping[str, Home]) -> None:
        self._api, self._mould, self._homes = api, mould, homes

    def job(self, submission_id: str, project: str, number: int, say: Say) -> Job:
        """Return the ``number``-th try of a job, in the namespace of the project's team."""
        if project not in self._homes:
            raise ServiceError(f"no team of this cluster has the project {project}; fix: groundplan up")
        return _Job(self._api, self._mould, self._homes[project], job_name(submission_id, number), say)

    def stop(self, submission_id: str) -> None:
        """Stop a job by suspending it, whoever's it is; one that ended, or is not known, stays as it is."""
        for home in {each.namespace: each for each in self._homes.values()}.values():
            number = 1
            while (job := _Job(self._api, self._mould, home, job_name(submission_id, number), print)).known():
                job.suspend()
                number += 1


class _Job(Job):
    def __init__(self, api: KubeApi, mould: Mould, home: Home, name: str, say: Say) -> None:
        super().__init__(name, say)
        self._api, self._mould, self._home = api, mould, home
        self._jobs = f"/apis/batch/v1/namespaces/{home.namespace}/jobs"
        self._pods = f"/api/v1/namespaces/{home.namespace}/pods"
        self._waits = self._seen = self._refused = ""

    def known(self) -> bool:
        return self.status() is not None

    def submit(self, document: Mapping[str, Any], cpus: float, gpus: int) -> None:
        if self.known():
            return
        job = manifest(self.id, self._mould, self._home, document, gpus)
        owner = self._api.owner("ServiceAccount", self._home.namespace, self._home.account)
        job["metadata"]["ownerReferences"] = [owner]
        answer = self._ask("POST", self._jobs, job)
        # An answer that was lost on its way: the Job is there already.
        if answer.status_code >= 400 and answer.status_code != 409:
            raise ServiceError(f"the cluster does not take Job {self.id}: {message(answer)}")

    def status(self) -> str | None:
        answer = self._ask("GET", f"{self._jobs}/{self.id}")
        if answer.status_code == 404:
            return None
        found = answer.json()
        true = {each["type"] for each in found.get("status", {}).get("conditions") or () if each["status"] == "True"}
        words = {"Complete": "SUCCEEDED", "Failed": "FAILED", "Suspended": "STOPPED"}
        return next((word for kind, word in words.items() if kind in true), "RUNNING")

    def suspend(self) -> None:
        self._ask("PATCH", f"{self._jobs}/{self.id}", {"spec": {"suspend": True}}, STRATEGIC)

    def lost(self) -> None:
        self.anew("the Job is gone from the cluster; starting it again")

    def log(self) -> str:
        """A pod that was taken away takes its log along: what was seen of it is kept."""
        pod = self._pod()
        if pod is None:
            self._tell_refused()
            return self._seen
        self._refused = ""
        self._tell_waiting(pod)
        path = f"{self._pods}/{pod['metadata']['name']}/log"
        answer = self._ask("GET", path, query={"container": pod["spec"]["containers"][0]["name"]})
        if answer.status_code == 200:
            self._seen = answer.text
        return self._seen

    def reason(self, log: str) -> str:
        lines = unlike_progress(log)
        pod = self._pod()
        for state in (pod or {}).get("status", {}).get("containerStatuses") or ():
            ended = state["state"].get("terminated") or {}
            if ended.get("reason") == "OOMKilled":
                return "its pod used more memory than it may, beside the run's own limit"
        if any(line.strip() for line in lines):
            return one_line("\n".join(lines))
        if self._refused:
            return f"the cluster takes no pod of it in namespace {self._home.namespace}: {self._refused}"
        answer = self._ask("GET", f"{self._jobs}/{self.id}")
        found = answer.json().get("status", {}).get("conditions") if answer.status_code == 200 else ()
        return one_line(" ".join(str(each.get("message", "")) for each in found or ())) or "it is gone"

    def _tell_waiting(self, pod: Mapping[str, Any]) -> None:
        """Say once why no node takes the pod: too few GPUs, or a node that is on its way."""
        conditions = pod.get("status", {}).get("conditions") or ()
        why = next(
            (c.get("message", "") for c in conditions if c["type"] == "PodScheduled" and c["status"] != "True"), ""
        )
        if why and why != self._waits:
            self._say(f"waits for a node: {one_line(why)}")
        self._waits = why

    def _tell_refused(self) -> None:
        """Say once why the cluster takes no pod: with a Job, it is not the Job that a quota refuses.

        What a quota refuses is tried again until there is room. What is refused for ever is stopped.
        """
        answer = self._ask("GET", kube_refusals.path(self._home.namespace), query=kube_refusals.query(self.id))
        why = kube_refusals.reason(answer.json().get("items") or ()) if answer.status_code == 200 else ""
        if not why or why == self._refused:
            return
        self._refused = why
        if kube_refusals.passes(why):
            self._say(f"waits: {why}")
        else:
            self.suspend()

    def _pod(self) -> Mapping[str, Any] | None:
        answer = self._ask("GET", self._pods, query={"labelSelector": f"batch.kubernetes.io/job-name={self.id}"})
        found = answer.json().get("items") or []
        return max(found, key=lambda each: each["metadata"]["creationTimestamp"]) if found else None

    def _ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        content: str = "application/json",
        query: Mapping[str, str] | None = None,
    ) -> Any:
        retries = stamina.retry_context(
            on=Unreachable, attempts=None, timeout=PATIENCE, wait_initial=0.5, wait_max=5.0, wait_jitter=0.5
        )
        for attempt in retries:
            with attempt:
                return self._api.ask(method, path, body, query, content)
        raise AssertionError("stamina either answers or raises")


def manifest(name: str, mould: Mould, home: Home, document: Mapping[str, Any], gpus: int) -> dict[str, Any]:
    """Return the Job of one try; the template's first container is the run's, its init container takes the settings."""
    pod = copy.deepcopy(dict(mould.template))
    labels = {**pod["metadata"]["labels"], RUN: name, PROJECT: _label(document["project"]), TEAM: _label(home.team)}
    pod["metadata"]["labels"] = labels
    pod["spec"]["serviceAccountName"] = home.account
    for first in pod["spec"].get("initContainers", ()):
        _give(first, SETTINGS, json.dumps(json.loads(mould.settings)))
    limits = Limits.of(document.get("resources") or {})
    _fill(pod, document, limits, gpus)
    spec = {
        "backoffLimit": 0,  # whoever asked for it decides whether it is tried again
        "activeDeadlineSeconds": int(limits.seconds) + SLACK,
        "ttlSecondsAfterFinished": KEPT,
        "template": pod,
    }
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}


def _fill(pod: dict[str, Any], document: Mapping[str, Any], limits: Limits, gpus: int) -> None:
    """Write into the pod what its run is to do, and what it may use."""
    run = pod["spec"]["containers"][0]
    _give(run, "GROUNDPLAN_JOB", json.dumps(document))
    size = {"cpu": str(limits.cpus), "memory": f"{limits.memory_mb + AROUND_MB}Mi"}
    size |= {GPU: str(gpus)} if gpus else {}
    run["resources"] = {**run["resources"], "limits": {**run["resources"]["limits"], **size}}
    run["resources"]["requests"] = {**run["resources"]["requests"], "memory": size["memory"]}
    if gpus:
        pod["spec"]["tolerations"] = [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]


def _give(container: dict[str, Any], name: str, value: str) -> None:
    container["env"] = [*container.get("env", ()), {"name": name, "value": value}]


def _label(name: str) -> str:
    return name.replace("_", "-")
