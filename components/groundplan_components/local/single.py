"""Applications of topology ``single``: one supervised process each, for development."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site


class SingleApplication(Part):
    """One application as one process; what it answers with, the control plane tells it."""

    def __init__(self, application: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        project, name = application.split("/")
        service = f"serving-{project}-{name}"
        address = site.applications[application]
        super().__init__("SingleApplication", service, address, opts)
        port = site.singles[application]
        words = [f"project={project}", f"application={name}", f"port={port}"]
        self.run(
            service,
            **{**site.service(), "ports": {"http": port}},
            command=site.module("groundplan_serving.single", *words),
            health={"kind": "http", "url": f"{address}/{application}/healthz", "timeout": 120},
            stop_seconds=15,
        )
