"""Valkey: the feature values that serving reads."""

import pulumi

from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

LAUNCH = "groundplan.local.launch"


class OnlineStore(Part):
    """Valkey with a generated password and an append-only file."""

    def __init__(self, name: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("OnlineStore", name, site.endpoints["online_store"], opts)
        self.run(
            "online-store",
            **site.service("online_store"),
            command=site.module(f"{LAUNCH}.valkey", *site.named_ports("online_store")),
            health={"kind": "command", "command": site.module(f"{LAUNCH}.probe", "online_store"), "timeout": 30},
        )
