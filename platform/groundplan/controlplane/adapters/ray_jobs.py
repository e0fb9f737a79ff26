"""Jobs on Ray: submitted or joined by id, followed to their end, started again when Ray lost them."""

import json
import re
import shlex
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import stamina

from groundplan.controlplane.ray_dashboard import Dashboard, Unreachable, one_line
from groundplan.errors import ServiceError
from groundplan_runtime.config import Runtime

PREFIX = "GROUNDPLAN "
#: Seconds: between two looks at a job, and for Ray to come back.
POLL, PATIENCE = 0.5, 300.0
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
Say = Callable[[str], None]


class JobFailed(ServiceError):
    """A job ended without success."""


def ray_id(submission_id: str, number: int = 1) -> str:
    """Return the id under which Ray knows one try of a job: a character that Ray does not take becomes a dash.

    A try has an id of its own: Ray would take the end of an earlier one, by the same name, for that of the new one.
    """
    id = re.sub(r"[^A-Za-z0-9_-]", "-", submission_id)
    return id if number == 1 else f"{id}_try{number}"


class RayJobs:
    """Submits the runtime's jobs. Safe in threads: it remembers nothing between calls."""

    def __init__(self, runtime: Runtime) -> None:
        self._dashboard = Dashboard(runtime)

    def session(self) -> str:
        """Return the name of Ray's session: another one after every restart of its head."""
        return str(self._dashboard.ask("GET", "/api/version").json()["session_name"])

    def run(self, submission_id: str, document: Mapping[str, Any], on_line: Say, cpus: float = 1.0) -> None:
        """Run the job to its end, or join the one that runs, or ran well, under this id.

        A job whose last try failed is run anew. ``on_line`` is told each line of progress once.

        Raises:
            JobFailed: it failed or was stopped.
            ServiceError: Ray takes no such job, or does not answer for five minutes.
        """
        job = self._newest(submission_id, on_line)
        job.submit(document, cpus)
        while (status := job.status()) not in ENDED:
            if status is None:
                job.lost()
                job.submit(document, cpus)
            job.report()
            time.sleep(POLL)
        log = job.report()
        if status != "SUCCEEDED":
            raise JobFailed(f"job {job.id} {status.lower()}: {job.reason(log)}; fix: groundplan logs ray")

    def stop(self, submission_id: str) -> None:
        """Stop a job; one that ended, or is not known, stays as it is. ServiceError when Ray does not answer."""
        number = 1
        while self._dashboard.ask("POST", f"/api/jobs/{ray_id(submission_id, number)}/stop").status_code != 404:
            number += 1

    def _newest(self, submission_id: str, say: Say) -> "_Job":
        """Return the try that runs or ran well, or else the next one."""
        number = 1
        while (job := _Job(self._dashboard, ray_id(submission_id, number), say)).status() in ("FAILED", "STOPPED"):
            number += 1
        return job


class _Job:
    """One job while it is followed: how much of its log was told."""

    def __init__(self, dashboard: Dashboard, id: str, say: Say) -> None:
        self.id = id
        self._dashboard, self._say = dashboard, say
        self._told = 0

    def submit(self, document: Mapping[str, Any], cpus: float) -> None:
        """Submit it unless it is there."""
        if self.status() is not None:
            return
        answer = self._ask("POST", "/api/jobs/", self._request(document, cpus))
        # An answer that was lost on its way: the job is there already.
        if answer.status_code >= 400 and self.status() is None:
            raise ServiceError(f"Ray does not take job {self.id}: {one_line(answer.text)}")

    def _request(self, document: Mapping[str, Any], cpus: float) -> dict[str, Any]:
        return {
            "submission_id": self.id,
            "entrypoint": f"{shlex.quote(sys.executable)} -m groundplan_runtime.jobs",
            "entrypoint_num_cpus": cpus,
            "runtime_env": {"env_vars": {"GROUNDPLAN_JOB": json.dumps(document)}},
        }

    def status(self) -> str | None:
        """Return Ray's word for its state, or None when Ray does not know it."""
        answer = self._ask("GET", f"/api/jobs/{self.id}")
        return None if answer.status_code == 404 else str(answer.json()["status"])

    def lost(self) -> None:
        """Say that Ray restarted: it knows neither the job nor its log any more."""
        self._say("Ray restarted and lost the job; starting it again")
        self._told = 0

    def report(self) -> str:
        """Tell what is new in its log since the last time; return the whole log."""
        log = self._log()
        lines = _progress(log)
        for line in lines[self._told :]:
            self._say(line)
        self._told = max(self._told, len(lines))
        return log

    def _log(self) -> str:
        answer = self._ask("GET", f"/api/jobs/{self.id}/logs")
        return str(answer.json().get("logs") or "") if answer.status_code == 200 else ""

    def reason(self, log: str) -> str:
        """Return the last line of its log that is no progress, or else what Ray says."""
        lines = [line for line in log.splitlines() if not line.startswith(PREFIX)]
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


def _progress(log: str) -> list[str]:
    whole = log[: log.rfind("\n") + 1]  # the last line may still be growing
    return [line.removeprefix(PREFIX) for line in whole.splitlines() if line.startswith(PREFIX)]
