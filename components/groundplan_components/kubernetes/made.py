"""What the control plane makes in the cluster, a Job for every run and the RayService that answers: from what.

Runs are made in the namespaces of teams (:mod:`groundplan_components.kubernetes.runs`), the RayService beside the
control plane. It belongs to the ConfigMap of templates: when that is removed, the cluster removes what was made.
"""

import hashlib
import json
from collections.abc import Mapping

import pulumi

from groundplan_components.kubernetes import runs
from groundplan_components.kubernetes.objects import declare
from groundplan_components.kubernetes.part import Shared
from groundplan_components.kubernetes.ray import ray_cluster
from groundplan_components.kubernetes.site import RAY, Site
from groundplan_components.kubernetes.workload import role_of

TEMPLATES = "controlplane-templates"
#: Files of the ConfigMap, as ``groundplan.controlplane.adapters.templates`` reads them.
RUN_FILE, RAY_FILE, OWNER_FILE, HOMES_FILE = "run.json", "ray.json", "owner", "homes.json"
#: What the control plane may do in its namespace: make, change and remove the one RayService, and find its clusters;
#: know the ConfigMap that owns it.
RULES = (
    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": [TEMPLATES], "verbs": ["get"]},
    {"apiGroups": ["ray.io"], "resources": ["rayservices"], "resourceNames": [RAY],
     "verbs": ["get", "patch", "delete"]},
    {"apiGroups": ["ray.io"], "resources": ["rayservices"], "verbs": ["create"]},
    {"apiGroups": ["ray.io"], "resources": ["rayclusters"], "verbs": ["get"]},
)  # fmt: skip


class Made(pulumi.ComponentResource):
    """The templates, and the right of ``maker`` to make the RayService from them."""

    def __init__(
        self, title: str, site: Site, shared: Shared, maker: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("groundplan:kubernetes:Made", title, None, opts)
        own, place = pulumi.ResourceOptions(parent=self), site.place
        metadata = place.metadata(TEMPLATES, maker)
        config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": files(site, shared)}
        declare(f"{title}-templates", config, own)
        right = role_of(maker, place.namespace, place.metadata(f"{maker}-made", maker), RULES)
        first = declare(f"{title}-role", right["role"], own)
        after = pulumi.ResourceOptions(parent=self, depends_on=[first])
        declare(f"{title}-role-binding", right["role-binding"], after)
        self.register_outputs({})


def files(site: Site, shared: Shared) -> Mapping[str, str]:
    """Return the templates by file: a run's pod, and where those of each project are; the cluster that serves."""
    found = {
        RUN_FILE: runs.template(site, shared),
        RAY_FILE: ray_cluster(site, shared),
        HOMES_FILE: {project: dict(home) for project, home in site.homes.items()},
    }
    return {**{name: json.dumps(each, sort_keys=True, indent=1) for name, each in found.items()}, OWNER_FILE: TEMPLATES}


def digest(site: Site, shared: Shared) -> str:
    """Return what changes with the platform's settings or a template: with another one the control plane restarts."""
    known = json.dumps([shared.digest, files(site, shared)], sort_keys=True)
    return hashlib.sha256(known.encode()).hexdigest()[:16]
