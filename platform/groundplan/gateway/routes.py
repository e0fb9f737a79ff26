"""From the table of rules to Envoy's routes: one route a rule, with its policy, limits and patience."""

import re
from typing import Any

from groundplan.gateway.limits import route_body, route_rate
from groundplan.gateway.listener import PROOF
from groundplan.gateway.policies import JWT, route_policy
from groundplan.gateway.settings import HOSTS, Settings, Tokens
from groundplan.spec.access import LIMITS, RULES, Rule, Upstream

#: What a service's own paths begin with behind the gateway: cut off, since it does not know of it.
CUT: dict[Upstream, str] = {"mlflow": "/mlflow", "feast": "/feast", "ray": "/ray", "serve": "/serve"}
#: Paths that programs read in different ways: refused, whoever asks. (An encoded slash fits no rule but lineage's.)
ODD = r"(?i)[^?]*(?://|/\.{1,2}(?:/|\?|$)|%2e|%5c|%25|%0|%1|%7f|%c[01]|%f[5-9a-f]|\\|;).*"


def routes(settings: Settings, tokens: Tokens) -> dict[str, Any]:
    """Return the route configuration."""
    domains = [name for host in HOSTS for name in (host, f"{host}:{settings.port}")]
    domains += [name for name in settings.hosts if name not in domains]
    rows = [
        *_refused(),
        *(route for rule in RULES if rule.upstream in settings.upstreams for route in _of(rule, settings, tokens)),
    ]
    return {
        "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
        "name": "gateway",
        "virtual_hosts": [{"name": "gateway", "domains": domains, "routes": rows}],
        "validate_clusters": False,
    }


def _refused() -> list[dict[str, Any]]:
    return [{"name": "odd_path", "match": {"safe_regex": {"regex": ODD}}, "direct_response": {"status": 404}}]


def _of(rule: Rule, settings: Settings, tokens: Tokens) -> list[dict[str, Any]]:
    """One route; of predictions, one more for each application that is a process of its own, before it."""
    routed = [_route(rule, rule.upstream, rule.pattern(), settings, tokens)]
    if rule.upstream != "serve":
        return routed
    singles = sorted(settings.singles)
    return [*(_single(rule, each, settings, tokens) for each in singles), *routed]


def _single(rule: Rule, application: str, settings: Settings, tokens: Tokens) -> dict[str, Any]:
    project, name = application.split("/")
    pattern = rule.pattern(project=project, application=name)
    return _route(rule, single_cluster(application), pattern, settings, tokens)


def single_cluster(application: str) -> str:
    """Return the cluster's name of an application that is a process of its own."""
    return f"single/{application}"


def _route(rule: Rule, cluster: str, pattern: str, settings: Settings, tokens: Tokens) -> dict[str, Any]:
    methods = {"name": ":method", "string_match": {"safe_regex": {"regex": "|".join(rule.methods)}}}
    filters = {
        "envoy.filters.http.rbac": route_policy(rule, settings),
        "envoy.filters.http.local_ratelimit": route_rate(rule),
        "envoy.filters.http.buffer": route_body(rule),
    }
    if rule.scope == "open":
        filters[JWT] = {"@type": "type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.PerRouteConfig",
                        "disabled": True}  # fmt: skip
    return {
        "name": rule.name,
        "match": {"safe_regex": {"regex": pattern}, "headers": [methods]},
        "route": _onward(rule, cluster, settings),
        "request_headers_to_add": _shown(rule.upstream, tokens),
        **_cookies(rule.upstream),
        "typed_per_filter_config": filters,
    }


def _cookies(upstream: Upstream) -> dict[str, Any]:
    """Cookies are the issuer's business: no other service sees one, or sets one on the origin that all share."""
    if upstream == "identity":
        return {}
    return {"request_headers_to_remove": ["cookie"], "response_headers_to_remove": ["set-cookie"]}


def _onward(rule: Rule, cluster: str, settings: Settings) -> dict[str, Any]:
    onward: dict[str, Any] = {
        "cluster": cluster,
        "timeout": f"{LIMITS[rule.limit].timeout}s",
        "retry_policy": _retries(rule),
    }
    cut = CUT.get(rule.upstream)
    if cut:
        onward["regex_rewrite"] = {"pattern": {"regex": f"^{re.escape(cut)}/?"}, "substitution": "/"}
        onward["host_rewrite_literal"] = settings.upstreams[rule.upstream]
    return onward


def _retries(rule: Rule) -> dict[str, Any]:
    """What never reached a service is sent again; what may have, only where twice is the same as once."""
    unsent = "connect-failure,refused-stream"
    return {
        "retry_on": f"{unsent},reset-before-request,reset" if rule.idempotent else unsent,
        "num_retries": 2,
        "retry_back_off": {"base_interval": "0.05s", "max_interval": "0.5s"},
    }


def _shown(upstream: Upstream, tokens: Tokens) -> list[dict[str, Any]]:
    """What the upstream takes as a proof that a request came through here."""
    if upstream == "identity":
        return []
    shown = {
        "controlplane": (PROOF, tokens.controlplane),
        "serve": (PROOF, tokens.serve),
        "mlflow": ("authorization", f"Bearer {tokens.mlflow}"),
        "feast": ("authorization", f"Bearer {tokens.feast}"),
        "ray": ("authorization", f"Bearer {tokens.ray}"),
    }
    key, value = shown[upstream]
    return [{"header": {"key": key, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]
