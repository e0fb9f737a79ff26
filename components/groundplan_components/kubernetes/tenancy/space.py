"""A team's namespace: how its pods must be, how much they may use together, how much each of them."""

from groundplan.plan import Plan
from groundplan.rules.admission import ENFORCED
from groundplan.spec import TeamSpec
from groundplan.spec.tenancy import canonical
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place, dns

GPU = "nvidia.com/gpu"
COMPONENT = "tenancy"
#: The version of Pod Security that is asked for: another one is another rule, so it is named.
POD_SECURITY = "v1.34"
#: Works of a project's pods; each has an account of its own. Applications are measured, too: those are runs.
RUN, SERVING = "run", "serving"
#: Node of the plan → the works that its project's pods do for it.
WORK = {
    **dict.fromkeys(("DataSource", "FeatureView", "Materialization", "Model", "Alias"), (RUN,)),
    "ServingApplication": (RUN, SERVING),
}


def namespace(place: Place, admission: str, level: str = "restricted") -> Manifest:
    """Return a namespace with Pod Security ``level``, closed to what breaks the stack's admission rules."""
    labels = place.labels(place.namespace, COMPONENT)
    security = {
        f"pod-security.kubernetes.io/{mode}{suffix}": value
        for mode in ("enforce", "audit", "warn")
        for suffix, value in (("", level), ("-version", POD_SECURITY))
    }
    metadata = {"name": place.namespace, "labels": {**labels, **security, ENFORCED: admission}}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def quota(place: Place, team: TeamSpec) -> Manifest:
    """Return what all pods of a team may use together. Nothing of it leads out of the cluster.

    CPUs are counted as asked for: a limit above that only uses what is idle. Memory is counted by its limits, since
    nobody gets it back.
    """
    limit = team.quota
    hard = {
        "requests.cpu": _number(limit.cpus),
        "requests.memory": canonical(limit.memory),
        "limits.memory": canonical(limit.memory),
        f"requests.{GPU}": str(limit.gpus),
        "requests.storage": canonical(limit.storage),
        "pods": str(limit.pods),
        "services.loadbalancers": "0",
        "services.nodeports": "0",
    }
    metadata = place.metadata("team", COMPONENT)
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}}


def limit_range(place: Place, team: TeamSpec) -> Manifest:
    """Return the most that one pod and one volume may ask for.

    For pods, not for containers: a container's ``max`` would be given as its limit to whoever says none, and hide
    what the admission rules refuse.
    """
    most = team.limits
    pod = {"cpu": _number(most.cpus or team.quota.cpus), "memory": canonical(most.memory or team.quota.memory)}
    volume = {"storage": canonical(most.storage or team.quota.storage)}
    limits = [{"type": "Pod", "max": pod}, {"type": "PersistentVolumeClaim", "max": volume}]
    return {
        "apiVersion": "v1",
        "kind": "LimitRange",
        "metadata": place.metadata("team", COMPONENT),
        "spec": {"limits": limits},
    }


def account_name(project: str, work: str) -> str:
    """Return the name of the service account of a project's work: :data:`RUN` or :data:`SERVING`."""
    return f"{dns(project)}-{work}"


def account(place: Place, project: str, work: str) -> Manifest:
    """Return a service account for one kind of work of a project, without a token."""
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": place.metadata(account_name(project, work), work),
        "automountServiceAccountToken": False,
    }


def works(plan: Plan, project: str) -> list[str]:
    """Return the kinds of work that a project's pods do; sorted."""
    return sorted({work for node in plan.nodes if node.project == project for work in WORK.get(node.kind, ())})


def _number(cpus: float) -> str:
    return f"{round(cpus * 1000)}m" if cpus % 1 else str(int(cpus))
