"""From the job's document to its result: picks the job by its word, and turns a user's mistake into a result."""

from collections.abc import Callable
from typing import Any

from groundplan_runtime import storage
from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.jobs.document import Job


def main() -> int:
    """Run the job of this process. Returns 0, or 1 after a user's mistake, which the result then holds.

    What is nobody's mistake (a service is down) comes out as a traceback, without a result: the job may be run again.
    """
    runtime = Runtime.load()
    runtime.apply_environment()
    job = Job.from_environment()
    try:
        result = _job(job.job)(job, runtime)
    except RuntimeProblem as problem:
        job.say(f"failed: {problem}")
        storage.write_json(job.result_uri, {"error": problem.as_dict()})
        return 1
    storage.write_json(job.result_uri, result)
    return 0


def _job(word: str) -> Callable[[Job, Runtime], dict[str, Any]]:
    """Return the job's function; each is imported only by the process that runs it."""
    from groundplan_runtime.jobs import evaluate, features, ingest, materialize, shadow, skew, train

    known: dict[str, Callable[[Job, Runtime], dict[str, Any]]] = {
        "ingest": ingest.run,
        "features": features.run,
        "materialize": materialize.run,
        "train": train.run,
        "skew": skew.run,
        "shadow": shadow.run,
        "evaluate": evaluate.run,
    }
    if word not in known:
        raise RuntimeProblem("unknown job", path="job", value=word, allowed=", ".join(known))
    return known[word]
