"""Why the cluster takes no pod of a Job: the Job itself is there, and says nothing. Its events do.

The controller writes ``FailedCreate`` with what the API server answered, and tries again with growing pauses of at most
a minute (https://kubernetes.io/docs/concepts/workloads/controllers/job, kubernetes/pkg/controller/job).
"""

from collections.abc import Mapping, Sequence
from typing import Any

REASON = "FailedCreate"
#: How the API server begins: `pods "run-x-abcde" is forbidden: `; the name is another one each time.
FORBIDDEN = "is forbidden: "
#: What no wait mends: the LimitRange, Pod Security, the stack's own rules. All else (a quota, a conflict) may pass.
FOR_EVER = ("usage per Pod", "violates PodSecurity", "ValidatingAdmissionPolicy")


def path(namespace: str) -> str:
    """Return where a namespace's events are."""
    return f"/api/v1/namespaces/{namespace}/events"


def query(job: str) -> dict[str, str]:
    """Return what chooses the refusals of one Job's pods."""
    return {"fieldSelector": f"involvedObject.kind=Job,involvedObject.name={job},reason={REASON}"}


def reason(events: Sequence[Mapping[str, Any]]) -> str:
    """Return in one line what the latest refusal said; nothing when there is none."""
    if not events:
        return ""
    latest = max(events, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""))
    text = " ".join(str(latest.get("message", "")).split())
    return text.partition(FORBIDDEN)[2] or text


def passes(why: str) -> bool:
    """Return whether what was refused may be taken later, unchanged."""
    return not any(words in why for words in FOR_EVER)
