"""PostgreSQL: rows of the tracking server, the feature registry and the control plane."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

LAUNCH = "groundplan.local.launch"


class Database(Part):
    """PostgreSQL 18 with a role and a database each for mlflow, feast and controlplane."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("Database", name, site.endpoints["database"], opts)
        port = site.named_ports("database")
        self.run(
            "database",
            **site.service("database"),
            command=site.module(f"{LAUNCH}.postgres", *port),
            health={"kind": "command", "command": site.module(f"{LAUNCH}.probe", "database"), "timeout": 60},
            setup=[site.module(f"{LAUNCH}.postgres_setup")],
            stop_signal="INT",  # PostgreSQL's fast shutdown: TERM waits for every client to go
            stop_seconds=30,
        )
