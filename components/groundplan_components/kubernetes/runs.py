"""Runs in the namespaces of teams: what their pods are, and what a team's namespace holds for them.

The control plane makes a Job there for every run of the team's projects. It, and nobody else, may mount the Secret of
the runs: a rule of the cluster (``groundplan.rules.credentials``) sees to that. Settings come with the Job, not from a
ConfigMap, which people of the team may change.
"""

from collections.abc import Mapping
from typing import Any

import pulumi

from groundplan.rules.credentials import RUN_SECRETS
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.part import (
    DATA,
    ENVIRONMENT,
    OPEN,
    SEALED,
    Shared,
    code,
    encoded,
    in_memory,
    preparing,
    sealed,
)
from groundplan_components.kubernetes.place import Place, dns
from groundplan_components.kubernetes.pods import Container, Mount, Pod
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.workload import role_of

NAME = "run"
#: As a worker of Ray's: a run gives its own process less (docs/isolated-runs.md).
SECRETS = ("database-feast", "objects-access-key", "objects-secret-key", "online-store", "mlflow-token")
#: What the control plane may do in a team's namespace: make, watch and suspend Jobs, read what their pods print and
#: why there are none. Which accounts own the Jobs is :func:`_role`'s to say.
RULES: tuple[Manifest, ...] = (
    {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["create", "get", "list", "patch"]},
    {"apiGroups": [""], "resources": ["pods", "pods/log"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]},
)


class TeamRuns(pulumi.ComponentResource):
    """What the namespaces of teams hold for runs: a Secret with what they need, and the control plane's right."""

    def __init__(
        self,
        title: str,
        site: Site,
        maker: str,
        secrets: Mapping[str, pulumi.Input[str]],
        places: Mapping[str, Place],
        spaces: Mapping[str, pulumi.Resource],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:TeamRuns", title, None, opts)
        given = {name: secrets[name] for name in SECRETS if name not in site.without}
        for team, place in places.items():
            inside = pulumi.ResourceOptions(parent=self, depends_on=[spaces[team]])
            declare(f"{title}-{dns(team)}-secrets", _secret(place, given), inside)
            for name, manifest in rights(site, place, maker).items():
                declare(f"{title}-{dns(team)}-{name}", manifest, inside)
        self.register_outputs({})


def rights(site: Site, place: Place, maker: str) -> dict[str, Manifest]:
    """Return Role and RoleBinding of the control plane in one team's namespace."""
    accounts = sorted(home["account"] for home in site.homes.values() if home["namespace"] == place.namespace)
    own = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": accounts, "verbs": ["get"]}
    metadata = place.metadata(f"{maker}-runs", NAME)
    rules = [*RULES, own] if accounts else [*RULES]  # a right over no names would be one over all
    return role_of(maker, site.place.namespace, metadata, rules)


def template(site: Site, shared: Shared) -> Manifest:
    """Return the pod of a run, whose size, account and labels the control plane fills in."""
    image = site.images["runtime"]
    environment = {**ENVIRONMENT, **code(image), "GROUNDPLAN_RUNTIME": f"{OPEN}/runtime.json"}
    taken = Mount("sealed", SEALED, sealed(RUN_SECRETS, set(SECRETS) - site.without))
    scratch = Mount("scratch", DATA, {"emptyDir": {"sizeLimit": "2Gi"}}, read_only=False)
    run = Container(
        NAME, image, ("python", "-m", "groundplan_runtime.jobs"), site.size(NAME), environment=environment,
        mounts=(in_memory(), scratch),
    )  # fmt: skip
    first = preparing(image, environment, (in_memory(writable=True), taken))
    pod = Pod(NAME, NAME, (run,), init=(first,), settings=shared.digest, stop_seconds=60, restart="Never")
    made: dict[str, Any] = pod.template(site.place)
    return made


def _secret(place: Place, values: Mapping[str, pulumi.Input[str]]) -> Manifest:
    metadata = place.metadata(RUN_SECRETS, NAME)
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded(values)}
