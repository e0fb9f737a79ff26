"""Jobs on Ray, through its dashboard."""

import json
import re
import shlex
import sys
from collections.abc import Mapping
from typing import Any

import stamina

from groundplan.controlplane.adapters.jobs import Job, Jobs, Say, unlike_progress
from groundplan.controlplane.ray_dashboard import Dashboard, Unreachable, one_line
from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

#: Seconds for Ray to come back.
PATIENCE = 300.0


def ray_id(submission_id: str, number: int = 1) -> str:
    """Return the id under which Ray knows one try of a job: a character that Ray does not take becomes a dash.

    A try has an id of its own: Ray would take the end of an earlier one, by the same name, for that of the new one.
    """
    id = re.sub(r"[^A-Za-z0-9_-]", "-", submission_id)
    return id if number == 1 else f"{id}_try{number}"


class RayJobs(Jobs):
    """Jobs as Ray's own: on its workers, queued there until CPUs are free."""

    def __init__(self, runtime: Runtime) -> None:
        self._dashboard = Dashboard(runtime)

    def job(self, submission_id: str, project: str, number: int, say: Say) -> Job:
        """Return the ``number``-th try of a job; there is one Ray for all projects."""
        return _Job(self._dashboard, ray_id(submission_id, number), say)

    def stop(self, submission_id: str) -> None:
        """Stop a job; one that ended, or is not known, stays as it is. ServiceError when Ray does not answer."""
        number = 1
        while self._dashboard.ask("POST", f"/api/jobs/{ray_id(submission_id, number)}/stop").status_code != 404:
            number += 1


class _Job(Job):
    def __init__(self, dashboard: Dashboard, id: str, say: Say) -> None:
        super().__init__(id, say)
        self._dashboard = dashboard

    def submit(self, document: Mapping[str, Any], cpus: float, gpus: int) -> None:
        if self.status() is not None:
            return
        answer = self._ask("POST", "/api/jobs/", self._request(document, cpus, gpus))
        # An answer that was lost on its way: the job is there already.
        if answer.status_code >= 400 and self.status() is None:
            raise ServiceError(f"Ray does not take job {self.id}: {one_line(answer.text)}")

    def _request(self, document: Mapping[str, Any], cpus: float, gpus: int) -> dict[str, Any]:
        return {
            "submission_id": self.id,
            "entrypoint": f"{shlex.quote(sys.executable)} -m groundplan_runtime.jobs",
            "entrypoint_num_cpus": cpus,
            **({"entrypoint_num_gpus": gpus} if gpus else {}),
            "runtime_env": {"env_vars": {"GROUNDPLAN_JOB": json.dumps(document)}},
        }

    def status(self) -> str | None:
        answer = self._ask("GET", f"/api/jobs/{self.id}")
        return None if answer.status_code == 404 else str(answer.json()["status"])

    def lost(self) -> None:
        self.anew("Ray restarted and lost the job; starting it again")

    def log(self) -> str:
        answer = self._ask("GET", f"/api/jobs/{self.id}/logs")
        return str(answer.json().get("logs") or "") if answer.status_code == 200 else ""

    def reason(self, log: str) -> str:
        lines = unlike_progress(log)
        if any(line.strip() for line in lines):
            return one_line("\n".join(lines))
        answer = self._ask("GET", f"/api/jobs/{self.id}")
        return one_line(str(answer.json().get("message") or "")) if answer.status_code == 200 else "it is gone"

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        retries = stamina.retry_context(
            on=Unreachable, attempts=None, timeout=PATIENCE, wait_initial=0.5, wait_max=5.0, wait_jitter=0.5
        )
        for attempt in retries:
            with attempt:
                if attempt.num == 2:
                    self._say("Ray does not answer; waiting for it")
                return self._dashboard.ask(method, path, body)
        raise AssertionError("stamina either answers or raises")
