"""Jobs, wherever they run: submitted or joined by id, followed to their end, started again when they were lost."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from groundplan.errors import ServiceError

PREFIX = "GROUNDPLAN "
#: Seconds between two looks at a job.
POLL = 0.5
ENDED = ("SUCCEEDED", "FAILED", "STOPPED")
Say = Callable[[str], None]


class JobFailed(ServiceError):
    """A job ended without success."""


class Job(ABC):
    """One try of a job while it is followed: how much of its log was told."""

    def __init__(self, id: str, say: Say) -> None:
        self.id = id
        self._say, self._told = say, 0

    @abstractmethod
    def submit(self, document: Mapping[str, Any], cpus: float, gpus: int) -> None:
        """Submit it unless it is there."""

    @abstractmethod
    def status(self) -> str | None:
        """Return one of :data:`ENDED` or another word for its state; None when nobody knows it."""

    @abstractmethod
    def log(self) -> str:
        """Return what it printed until now."""

    @abstractmethod
    def reason(self, log: str) -> str:
        """Return in one line why it did not succeed."""

    @abstractmethod
    def lost(self) -> None:
        """Say that it is not known any more, nor its log."""

    def report(self) -> str:
        """Tell what is new in its log since the last time; return the whole log."""
        log = self.log()
        lines = _progress(log)
        for line in lines[self._told :]:
            self._say(line)
        self._told = max(self._told, len(lines))
        return log

    def anew(self, why: str) -> None:
        """Say why it begins again, with a log that is empty."""
        self._say(why)
        self._told = 0


class Jobs(ABC):
    """Submits the runtime's jobs. Safe in threads: it remembers nothing between calls."""

    #: The service whose log tells more.
    service = "ray"

    @abstractmethod
    def job(self, submission_id: str, project: str, number: int, say: Say) -> Job:
        """Return the ``number``-th try of a project's job. A try has an id of its own: an earlier one's end is not its.

        ServiceError when the project has no place for jobs.
        """

    @abstractmethod
    def stop(self, submission_id: str) -> None:
        """Stop a job; one that ended, or is not known, stays as it is. ServiceError when nobody answers."""

    def run(
        self, submission_id: str, document: Mapping[str, Any], on_line: Say, cpus: float = 1.0, gpus: int = 0
    ) -> None:
        """Run the job to its end, or join the one that runs, or ran well, under this id.

        A job whose last try failed is run anew. ``on_line`` is told each line of progress once.

        Raises:
            JobFailed: it failed or was stopped.
            ServiceError: no such job is taken, or nobody answers for five minutes.
        """
        job = self._newest(submission_id, str(document["project"]), on_line)
        job.submit(document, cpus, gpus)
        while (status := job.status()) not in ENDED:
            if status is None:
                job.lost()
                job.submit(document, cpus, gpus)
            job.report()
            time.sleep(POLL)
        log = job.report()
        if status != "SUCCEEDED":
            why = f"{job.reason(log)}; fix: groundplan logs {self.service}"
            raise JobFailed(f"job {job.id} {status.lower()}: {why}")

    def _newest(self, submission_id: str, project: str, say: Say) -> Job:
        """Return the try that runs or ran well, or else the next one."""
        number = 1
        while (job := self.job(submission_id, project, number, say)).status() in ("FAILED", "STOPPED"):
            number += 1
        return job


def unlike_progress(log: str) -> list[str]:
    """Return the lines of a log that are no progress."""
    return [line for line in log.splitlines() if not line.startswith(PREFIX)]


def _progress(log: str) -> list[str]:
    whole = log[: log.rfind("\n") + 1]  # the last line may still be growing
    return [line.removeprefix(PREFIX) for line in whole.splitlines() if line.startswith(PREFIX)]
