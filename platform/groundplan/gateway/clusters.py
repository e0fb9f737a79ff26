"""The services behind the gateway, each with its health check: a dead one is known within a second."""

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from groundplan.gateway.routes import single_cluster
from groundplan.gateway.settings import Settings, Tokens

CLUSTER = "type.googleapis.com/envoy.config.cluster.v3.Cluster"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext"
HTTP = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
#: Seconds for which a connection to a service is used again. A service's address may lead to other pods from one moment
#: to the next, as when Ray is made anew; those of before go a minute later, and who is still connected hears nothing.
LONGEST = 20
#: Where Debian and its kin keep the authorities that are trusted.
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
#: Upstream → what its health check asks, and which other status than 200 is an answer (Serve without applications).
HEALTH: dict[str, tuple[str, range]] = {
    "identity": ("/identity/healthz", range(200, 201)),
    "controlplane": ("/healthz", range(200, 201)),
    "mlflow": ("/health", range(200, 201)),
    "feast": ("/health", range(200, 201)),
    "ray": ("/api/gcs_healthz", range(200, 201)),
    "serve": ("/-/routes", range(200, 504)),
}


def clusters(settings: Settings, tokens: Tokens) -> list[dict[str, Any]]:
    """Return one cluster an upstream, and one for each application that is a process of its own."""
    shared = [_cluster(name, address, *HEALTH[name], tokens) for name, address in settings.upstreams.items()]
    own = [
        _cluster(single_cluster(name), address, f"/{name}/healthz", range(200, 504), tokens)
        for name, address in sorted(settings.singles.items())
    ]
    return shared + own + ([] if "identity" in settings.upstreams else [_elsewhere(settings.jwks)])


def _elsewhere(url: str) -> dict[str, Any]:
    """An issuer that is not ours, for its keys alone: over TLS, by the authorities that this machine trusts."""
    there = urlsplit(url)
    trusted = {
        "trusted_ca": {"filename": AUTHORITIES},
        "match_typed_subject_alt_names": [{"san_type": "DNS", "matcher": {"exact": there.hostname}}],
    }
    context = {"@type": TLS, "sni": there.hostname, "common_tls_context": {"validation_context": trusted}}
    address = f"{there.hostname}:{there.port or 443}"
    return {
        "@type": CLUSTER,
        "name": "identity",
        "type": "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "identity", "endpoints": [{"lb_endpoints": [_endpoint(address)]}]},
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": context},
    }


def _cluster(name: str, address: str, path: str, fine: range, tokens: Tokens) -> dict[str, Any]:
    return {
        "@type": CLUSTER,
        "name": name,
        "type": "STATIC" if _is_ip(address) else "STRICT_DNS",
        "connect_timeout": "1s",
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        # Nobody is asked who is known to be down.
        "common_lb_config": {"healthy_panic_threshold": {"value": 0}},
        "health_checks": [_check(name, path, fine, tokens)],
        "circuit_breakers": {"thresholds": [_bounds()]},
        "typed_extension_protocol_options": {HTTP: _connections()},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [_endpoint(address)]}]},
    }


def _is_ip(address: str) -> bool:
    """Whether an upstream is named by its address, as on one machine, or by a name, as in a cluster."""
    try:
        ipaddress.ip_address(address.rpartition(":")[0].strip("[]"))
    except ValueError:
        return False
    return True


def _check(name: str, path: str, fine: range, tokens: Tokens) -> dict[str, Any]:
    shown = [{"header": {"key": "authorization", "value": f"Bearer {tokens.ray}"}}] if name == "ray" else []
    asked = {
        "path": path,
        "expected_statuses": [{"start": fine.start, "end": fine.stop}],
        "request_headers_to_add": shown,
    }
    return {
        "timeout": "2s",
        "interval": "1s",
        # Else a service that nobody asks is looked at once a minute, and its death is found by a request.
        "no_traffic_interval": "1s",
        "no_traffic_healthy_interval": "1s",
        "unhealthy_threshold": 2,
        "healthy_threshold": 1,
        # What is looked at is where the address leads now.
        "reuse_connection": False,
        "http_health_check": asked,
    }


def _connections() -> dict[str, Any]:
    return {
        "@type": f"type.googleapis.com/{HTTP}",
        "common_http_protocol_options": {"max_connection_duration": f"{LONGEST}s"},
        "explicit_http_config": {"http_protocol_options": {}},
    }


def _bounds() -> dict[str, Any]:
    budget = {"budget_percent": {"value": 20}, "min_retry_concurrency": 3}
    return {"max_connections": 1024, "max_pending_requests": 1024, "max_requests": 4096, "retry_budget": budget}


def _endpoint(address: str) -> dict[str, Any]:
    host, _, port = address.rpartition(":")
    return {"endpoint": {"address": {"socket_address": {"address": host, "port_value": int(port)}}}}
