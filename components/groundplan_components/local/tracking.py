"""MLflow: runs, models, and the registry of pairs."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site


class Tracking(Part):
    """MLflow's server. Needs the database and the object store."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Tracking", name, site.endpoints["mlflow"], opts)
        self.run(
            "mlflow",
            **site.service("mlflow"),
            command=site.module("groundplan.local.launch.tracking", *site.named_ports("mlflow")),
            health={"kind": "http", "url": f"{site.endpoints['mlflow']}/health", "timeout": 180},
        )
