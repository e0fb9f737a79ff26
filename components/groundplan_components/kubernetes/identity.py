"""The issuer: who people and programs are, and what they may do."""

from collections.abc import Sequence

import pulumi

from groundplan.identity.declaration import Subject, to_json
from groundplan_components.kubernetes.part import Shared, http_probe, own_pod, tcp_probe
from groundplan_components.kubernetes.pods import Probes
from groundplan_components.kubernetes.site import PORTS, Site
from groundplan_components.kubernetes.sizes import replicas
from groundplan_components.kubernetes.task import Task
from groundplan_components.kubernetes.workload import Workload, WorkloadSpec

SECRETS = ("database-identity", "identity-seal")


class Identity(pulumi.ComponentResource):
    """Our own OpenID provider, and a job that tells it whom the stack declares. Needs the database."""

    def __init__(
        self,
        title: str,
        site: Site,
        shared: Shared,
        declared: Sequence[Subject],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:Identity", title, None, opts)
        pod = own_pod(
            site, "identity", shared, ("groundplan.identity", f"identity={PORTS['identity']}"),
            Probes(http_probe("/identity/healthz"), alive=tcp_probe("http")), secrets=SECRETS,
        )  # fmt: skip
        spec = WorkloadSpec(pod, replicas("identity", site.cluster))
        self.server = Workload("Server", title, spec, site.place, pulumi.ResourceOptions(parent=self))
        setup = own_pod(
            site, "identity", shared, ("groundplan.identity.setup", to_json(tuple(declared))), name="identity-setup",
            secrets=(*SECRETS, *(one.secret for one in declared)),
        )  # fmt: skip
        self.subjects = Task(f"{title}-setup", setup, site.place, pulumi.ResourceOptions(parent=self))
        self.register_outputs({"address": site.issuer})
