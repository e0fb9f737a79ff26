"""The issuer: who people and programs are, and what they may do."""

from collections.abc import Sequence

import pulumi

from groundplan.identity.declaration import Subject, to_json
from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

PORTS = ("identity",)


class Identity(Part):
    """Our own OpenID provider. Needs the database. An edit of who is declared reaches it while it runs."""

    def __init__(
        self, name: str, site: Site, declared: Sequence[Subject], opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("Identity", name, f"{site.endpoints['gateway']}/identity", opts)
        self.run(
            "identity",
            **site.service(*PORTS),
            command=site.module("groundplan.identity", *site.named_ports("identity")),
            health={"kind": "http", "url": f"{site.endpoints['identity']}/identity/healthz", "timeout": 60},
            setup=[site.module("groundplan.identity.setup", to_json(tuple(declared)))],
        )
