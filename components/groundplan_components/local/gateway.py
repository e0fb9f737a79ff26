"""The gateway: the platform's one open door."""

import json
from collections.abc import Mapping, Sequence
from typing import get_args

import pulumi

from groundplan.gateway import Settings
from groundplan.spec.access import Upstream
from groundplan_components.local.part import Part
from groundplan_components.local.site import Site

LAUNCH = "groundplan.local.launch"
#: Where the issuer's keys lie, below its address.
KEYS = "/identity/jwks"


class Gateway(Part):
    """Envoy. Who is granted what is in the tokens: an edit of projects or applications reaches it while it runs."""

    def __init__(
        self,
        name: str,
        site: Site,
        projects: Sequence[str],
        personal: Mapping[str, tuple[str, ...]],
        issuer: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("Gateway", name, site.endpoints["gateway"], opts)
        declared = json.dumps(_settings(site, projects, personal, issuer).to_dict(), sort_keys=True)
        self.run(
            "gateway",
            **site.service("gateway", "gateway_admin"),
            command=site.module(f"{LAUNCH}.gateway", *site.named_ports("gateway_admin")),
            health={"kind": "command", "command": site.module(f"{LAUNCH}.gateway_probe"), "timeout": 60},
            setup=[site.module(f"{LAUNCH}.gateway_setup", declared)],
        )


def _settings(site: Site, projects: Sequence[str], personal: Mapping[str, tuple[str, ...]], issuer: str) -> Settings:
    """The stack's own issuer calls itself by the gateway's address, since people reach it there; its keys come from
    itself. Another one says where its keys are when the gateway is set up. MLflow is behind its owner's gateway."""
    own = issuer == f"{site.endpoints['gateway']}/identity"
    elsewhere = {*(() if own else ("identity",)), *(("mlflow",) if site.registry else ())}
    return Settings(
        port=site.ports["gateway"],
        projects=tuple(sorted(projects)),
        upstreams={each: f"127.0.0.1:{site.ports[each]}" for each in get_args(Upstream) if each not in elsewhere},
        issuer=issuer,
        jwks=f"{site.endpoints['identity']}{KEYS}" if own else "",
        singles={name: f"127.0.0.1:{port}" for name, port in site.singles.items()},
        personal=personal,
    )


def authority(site: Site) -> str:
    """Return the path of the certificate that clients of the gateway trust."""
    return f"{site.folder}/gateway/tls/ca.pem"
