"""What ``up`` waits for, kind by kind, and the one line that says what is still missing when the time is over."""

from collections.abc import Callable, Mapping
from typing import Any

from groundplan.errors import ServiceError
from tests.support.kube.api import Api, Object, name_of

#: Returns what is still missing, or None when the object is ready; raises ServiceError when it never will be.
Await = Callable[[Api, Object], str | None]


def missing(api: Api, live: Object) -> str | None:
    """Return what keeps an object from being ready; None when it is, or when nothing is awaited for its kind."""
    annotations = live["metadata"].get("annotations") or {}
    if annotations.get("pulumi.com/skipAwait") in ("true", "ready"):
        return None
    if wanted := annotations.get("pulumi.com/waitFor"):
        return _wanted(live, wanted)
    return AWAITS[live["kind"]](api, live) if live["kind"] in AWAITS else None


def _wanted(live: Object, wanted: str) -> str | None:
    """``condition=<type>[=<status>]``: of what the official plugin understands, all that the components use."""
    word, _, rest = wanted.partition("=")
    if word != "condition":
        raise ServiceError(f"{name_of(live)}: pulumi.com/waitFor: the test provider knows condition=…; got {wanted}")
    kind, _, status = rest.partition("=")
    found = _conditions(live).get(kind, {})
    return None if found.get("status") == (status or "True") else f"condition {kind} is {found.get('status', 'absent')}"


def why(api: Api, live: Object) -> str:
    """Return what the cluster says about an object's pods that do not run; empty when it says nothing."""
    said = [c["message"] for c in _conditions(live).values() if c["type"] == "ReplicaFailure" and c["status"] == "True"]
    selector = (live.get("spec") or {}).get("selector")
    if not said and isinstance(selector, Mapping) and live["metadata"].get("namespace"):
        labels = selector.get("matchLabels") or {}
        chosen = ",".join(f"{k}={v}" for k, v in labels.items())
        for pod in api.list("v1", "Pod", live["metadata"]["namespace"], labelSelector=chosen):
            said += [f"{pod['metadata']['name']}: {text}" for text in _complaints(pod)]
    return "; ".join(dict.fromkeys(said))


def _complaints(pod: Object) -> list[str]:
    scheduled = _conditions(pod).get("PodScheduled", {})
    found = [scheduled["message"]] if scheduled.get("status") == "False" else []
    for container in pod.get("status", {}).get("containerStatuses") or ():
        if waiting := container.get("state", {}).get("waiting"):
            found.append(f"{waiting.get('reason')} {waiting.get('message') or ''}".strip())
    return found


def _conditions(live: Object) -> dict[str, dict[str, Any]]:
    return {each["type"]: each for each in live.get("status", {}).get("conditions") or ()}


def _observed(live: Object) -> bool:
    return bool(live.get("status", {}).get("observedGeneration", 0) >= live["metadata"].get("generation", 0))


def _deployment(api: Api, live: Object) -> str | None:
    wanted, status = live["spec"].get("replicas", 1), live.get("status", {})
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if _observed(live) and updated >= wanted and available >= wanted and status.get("replicas", 0) == updated:
        return None
    return f"{available} of {wanted} pods available, {updated} of them as declared"


def _stateful_set(api: Api, live: Object) -> str | None:
    wanted, status = live["spec"].get("replicas", 1), live.get("status", {})
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if _observed(live) and ready >= wanted and updated >= wanted:
        return None
    return f"{ready} of {wanted} pods ready, {updated} of them as declared"


def _daemon_set(api: Api, live: Object) -> str | None:
    status = live.get("status", {})
    wanted, ready = status.get("desiredNumberScheduled", 0), status.get("numberReady", 0)
    updated = status.get("updatedNumberScheduled", 0)
    return None if _observed(live) and ready >= wanted and updated >= wanted else f"{ready} of {wanted} pods ready"


def _job(api: Api, live: Object) -> str | None:
    conditions = _conditions(live)
    if conditions.get("Failed", {}).get("status") == "True":
        raise ServiceError(f"{name_of(live)}: failed: {conditions['Failed'].get('message')}")
    if live["spec"].get("suspend") or conditions.get("Complete", {}).get("status") == "True":
        return None
    return f"{live.get('status', {}).get('succeeded', 0)} of {live['spec'].get('completions', 1)} pods done"


def _pod(api: Api, live: Object) -> str | None:
    phase = live.get("status", {}).get("phase")
    if phase == "Succeeded" or _conditions(live).get("Ready", {}).get("status") == "True":
        return None
    return "; ".join([f"the pod is {phase}", *_complaints(live)])


def _service(api: Api, live: Object) -> str | None:
    """A Service that selects pods is ready when it has found one, as with the official plugin."""
    if live["spec"].get("type") == "ExternalName" or not live["spec"].get("selector"):
        return None
    metadata = live["metadata"]
    label = f"kubernetes.io/service-name={metadata['name']}"
    slices = api.list("discovery.k8s.io/v1", "EndpointSlice", metadata["namespace"], labelSelector=label)
    return None if any(each.get("endpoints") for each in slices) else "it selects no pod"


def _namespace(api: Api, live: Object) -> str | None:
    return None if live.get("status", {}).get("phase") == "Active" else "the namespace is not active"


def _definition(api: Api, live: Object) -> str | None:
    return None if _conditions(live).get("Established", {}).get("status") == "True" else "the CRD is not established"


AWAITS: dict[str, Await] = {
    "Deployment": _deployment,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "Pod": _pod,
    "Service": _service,
    "Namespace": _namespace,
    "CustomResourceDefinition": _definition,
}
