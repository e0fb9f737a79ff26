"""RBAC: the platform's five roles in each team's namespace, each with the rights of those that it inherits from.

Kubernetes' Roles do not inherit, and what ClusterRoles aggregate only the cluster knows: the rights are joined here,
so that a preview shows them all. Nobody but a platform admin reads Secrets; nobody at all changes quota, policies or
roles by hand: those are declared.
"""

from collections.abc import Iterator, Mapping, Sequence

from groundplan.spec import GrantSpec
from groundplan.spec.access import INHERITS
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place, dns

Right = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
LOOK, CHANGE = ("get", "list", "watch"), ("create", "delete", "patch", "update")
_CORE = ("configmaps", "endpoints", "events", "limitranges", "persistentvolumeclaims", "pods", "resourcequotas",
         "serviceaccounts", "services")  # fmt: skip
_RAY = ("rayclusters", "rayjobs", "rayservices")
#: Role → what it may do beyond what it inherits: API groups, resources, verbs.
RIGHTS: Mapping[str, tuple[Right, ...]] = {
    "viewer": (
        (("",), _CORE, LOOK),
        (("apps",), ("deployments", "replicasets", "statefulsets"), LOOK),
        (("batch",), ("cronjobs", "jobs"), LOOK),
        (("autoscaling",), ("horizontalpodautoscalers",), LOOK),
        (("policy",), ("poddisruptionbudgets",), LOOK),
        (("networking.k8s.io",), ("networkpolicies",), LOOK),
        (("ray.io",), _RAY, LOOK),
        (("metrics.k8s.io",), ("pods",), ("get", "list")),
    ),
    "data_scientist": (
        (("",), ("pods/log",), ("get",)),
        (("batch",), ("jobs",), ("create", "delete")),
        (("ray.io",), ("rayjobs",), ("create", "delete")),
    ),
    "ml_engineer": (
        (("",), ("configmaps", "services"), CHANGE),
        (("",), ("pods",), ("delete",)),
        (("apps",), ("deployments", "statefulsets"), CHANGE),
        (("batch",), ("cronjobs", "jobs"), CHANGE),
        (("autoscaling",), ("horizontalpodautoscalers",), CHANGE),
        (("policy",), ("poddisruptionbudgets",), CHANGE),
        (("ray.io",), _RAY, CHANGE),
    ),
    "approver": (),
    "platform_admin": (
        (("",), ("secrets",), (*LOOK, *CHANGE)),
        (("",), ("persistentvolumeclaims", "serviceaccounts"), CHANGE),
        (("",), ("pods/exec", "pods/portforward"), ("create",)),
        (("",), ("pods/ephemeralcontainers",), ("patch", "update")),
        (("rbac.authorization.k8s.io",), ("rolebindings", "roles"), LOOK),
    ),
}
COMPONENT = "access"
_GROUP = "rbac.authorization.k8s.io"


def roles(place: Place) -> dict[str, Manifest]:
    """Return a namespace's roles by name: ``groundplan-viewer`` and the like."""
    return {role_name(role): _role(place, role) for role in INHERITS}


def bindings(place: Place, grants: Sequence[GrantSpec], projects: Sequence[str]) -> dict[str, Manifest]:
    """Return who holds which role in a team's namespace.

    A namespace holds all projects of the team: a group is bound where it holds the role in every one of them. With
    less it works through the gateway, which tells projects apart.
    """
    return {f"{role_name(role)}-{dns(group)}": _binding(place, role, group) for role, group in held(grants, projects)}


def platform_bindings(place: Place, grants: Sequence[GrantSpec]) -> dict[str, Manifest]:
    """Return who holds what in the platform's own namespace: admins all; whoever has a role everywhere may look."""
    admins = {grant.group for grant in grants if grant.projects == "all" and grant.role == "platform_admin"}
    lookers = {grant.group for grant in grants if grant.projects == "all"} - admins
    pairs = [("platform_admin", group) for group in sorted(admins)] + [("viewer", group) for group in sorted(lookers)]
    return {f"{role_name(role)}-{dns(group)}": _binding(place, role, group) for role, group in pairs}


def held(grants: Sequence[GrantSpec], projects: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield (role, group) for every group that holds a role in all of ``projects``; sorted."""
    for role, group in sorted({(grant.role, grant.group) for grant in grants}):
        of_it = [grant.projects for grant in grants if (grant.role, grant.group) == (role, group)]
        named = {project for each in of_it if each != "all" for project in each}
        if "all" in of_it or (projects and named.issuperset(projects)):
            yield role, group


def rights_of(role: str) -> list[Right]:
    """Return everything that a role may do: its own rights and those it inherits, in a stable order."""
    inherited = [right for parent in INHERITS[role] for right in rights_of(parent)]
    return sorted({*inherited, *RIGHTS[role]})


def role_name(role: str) -> str:
    """Return the name of a role's object."""
    return f"groundplan-{dns(role)}"


def _role(place: Place, role: str) -> Manifest:
    rules = [
        {"apiGroups": list(groups), "resources": list(resources), "verbs": sorted(verbs)}
        for groups, resources, verbs in rights_of(role)
    ]
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "Role",
        "metadata": place.metadata(role_name(role), COMPONENT),
        "rules": rules,
    }


def _binding(place: Place, role: str, group: str) -> Manifest:
    return {
        "apiVersion": f"{_GROUP}/v1",
        "kind": "RoleBinding",
        "metadata": place.metadata(f"{role_name(role)}-{dns(group)}", COMPONENT),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": role_name(role)},
        "subjects": [{"apiGroup": _GROUP, "kind": "Group", "name": group}],
    }
