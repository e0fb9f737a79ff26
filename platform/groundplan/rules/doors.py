"""Rules about doors into the cluster: there is one, the gateway's."""

from collections.abc import Mapping
from typing import Any

from groundplan.rules.model import Rule, Settings

Part = Mapping[str, Any]


def _inside(service: Part, settings: Settings) -> bool:
    if (service.get("metadata") or {}).get("namespace") == settings.platform:
        return True
    spec = service.get("spec") or {}
    return spec.get("type", "ClusterIP") in ("ClusterIP", "ExternalName") and not spec.get("externalIPs")


def _encrypted(ingress: Part, _: Settings) -> bool:
    return bool((ingress.get("spec") or {}).get("tls"))


OWN_DOOR = Rule(
    "own-door",
    "a team's Service that can be reached from outside the cluster",
    "It goes round the gateway: no token, no role, no limit is asked for.",
    "use type ClusterIP, and let the gateway route to it",
    "object",
    "(has(object.metadata.namespace) && object.metadata.namespace == $platform) || !has(object.spec)"
    " || ((!has(object.spec.type) || object.spec.type in ['ClusterIP', 'ExternalName'])"
    " && (!has(object.spec.externalIPs) || size(object.spec.externalIPs) == 0))",
    _inside,
    ("Service",),
)
PLAIN_INGRESS = Rule(
    "plain-ingress",
    "an Ingress without TLS",
    "Tokens would cross the network in the clear.",
    "name a certificate's Secret under spec.tls",
    "object",
    "has(object.spec) && has(object.spec.tls) && size(object.spec.tls) > 0",
    _encrypted,
    ("Ingress",),
)
