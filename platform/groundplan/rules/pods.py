"""Rules about what a pod may do on its node, and how much of it."""

from collections.abc import Mapping
from typing import Any

from groundplan.rules.model import Rule, Settings

Part = Mapping[str, Any]


def _security(part: Part) -> Part:
    return part.get("securityContext") or {}


def _not_privileged(container: Part, _: Settings) -> bool:
    return not _security(container).get("privileged", False)


def _no_host_access(template: Part, _: Settings) -> bool:
    spec = template["spec"]
    shared = any(spec.get(key, False) for key in ("hostNetwork", "hostPID", "hostIPC"))
    return not shared and not any("hostPath" in volume for volume in spec.get("volumes") or ())


def _not_root(template: Part, _: Settings) -> bool:
    spec = template["spec"]
    everywhere = _security(spec).get("runAsNonRoot", False)
    containers = [*spec.get("containers", ()), *(spec.get("initContainers") or ())]
    return all(_security(each).get("runAsNonRoot", everywhere) for each in containers)


def _confined(container: Part, _: Settings) -> bool:
    security = _security(container)
    dropped = (security.get("capabilities") or {}).get("drop") or ()
    return security.get("allowPrivilegeEscalation") is False and "ALL" in dropped


def _limited(container: Part, _: Settings) -> bool:
    limits = (container.get("resources") or {}).get("limits") or {}
    return "cpu" in limits and "memory" in limits


PRIVILEGED = Rule(
    "privileged",
    "a privileged container",
    "It owns the node, and with it every team's pods and secrets.",
    "remove securityContext.privileged",
    "any_container",
    "!has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged",
    _not_privileged,
)
HOST_ACCESS = Rule(
    "host-access",
    "a pod that shares the node's network, processes or files",
    "It sees what other teams' pods on that node do.",
    "remove hostNetwork, hostPID, hostIPC and hostPath volumes",
    "template",
    "(!has(t.spec.hostNetwork) || !t.spec.hostNetwork) && (!has(t.spec.hostPID) || !t.spec.hostPID)"
    " && (!has(t.spec.hostIPC) || !t.spec.hostIPC)"
    " && (!has(t.spec.volumes) || t.spec.volumes.all(v, !has(v.hostPath)))",
    _no_host_access,
)
_ROOT_OF_CONTAINER = "has(c.securityContext) && has(c.securityContext.runAsNonRoot) ? c.securityContext.runAsNonRoot"
_ROOT_OF_POD = (
    "(has(t.spec.securityContext) && has(t.spec.securityContext.runAsNonRoot) && t.spec.securityContext.runAsNonRoot)"
)
RUN_AS_ROOT = Rule(
    "run-as-root",
    "a container that may run as root",
    "Whoever breaks out of it is root on the node.",
    "set securityContext.runAsNonRoot: true for the pod",
    "template",
    f"t.spec.containers.all(c, {_ROOT_OF_CONTAINER} : {_ROOT_OF_POD})"
    f" && (!has(t.spec.initContainers) || t.spec.initContainers.all(c, {_ROOT_OF_CONTAINER} : {_ROOT_OF_POD}))",
    _not_root,
)
UNCONFINED = Rule(
    "unconfined",
    "a container that keeps capabilities or may gain privileges",
    "Pod Security `restricted` refuses the pod later; here it is refused before anything is made.",
    "set securityContext.allowPrivilegeEscalation: false and capabilities.drop: [ALL]",
    "container",
    "has(c.securityContext) && has(c.securityContext.allowPrivilegeEscalation)"
    " && !c.securityContext.allowPrivilegeEscalation && has(c.securityContext.capabilities)"
    " && has(c.securityContext.capabilities.drop) && 'ALL' in c.securityContext.capabilities.drop",
    _confined,
)
MISSING_LIMITS = Rule(
    "missing-limits",
    "a container without limits of CPU and memory",
    "One leak takes a node, and with it other teams' pods.",
    "set resources.limits.cpu and resources.limits.memory",
    "container",
    "has(c.resources) && has(c.resources.limits) && 'cpu' in c.resources.limits && 'memory' in c.resources.limits",
    _limited,
)
