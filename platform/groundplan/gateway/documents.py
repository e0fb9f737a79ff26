"""All of Envoy's configuration, a file each: what changes is read again by the running gateway."""

import hashlib
import json
from typing import Any

from groundplan.gateway.clusters import clusters
from groundplan.gateway.listener import NETWORK, listener, watched
from groundplan.gateway.routes import routes
from groundplan.gateway.settings import Settings, Tokens

SECRET = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"  # noqa: S105  (a type's name)


def documents(settings: Settings, tokens: Tokens, files: str, chain: str, key: str) -> dict[str, str]:
    """Return file name → text of the watched files. ``chain`` and ``key``: PEM texts of certificate and key."""
    contents: dict[str, list[dict[str, Any]]] = {
        "clusters": clusters(settings, tokens),
        "routes": [routes(settings, tokens)],
        "listeners": [listener(settings, files)],
    }
    written = {f"{name}.json": _response(content) for name, content in contents.items()}
    return {"certificate.json": certificate(chain, key), **written}


def certificate(chain: str, key: str) -> str:
    """Return the text of the watched file with the gateway's certificate."""
    pair = {"certificate_chain": {"inline_string": chain}, "private_key": {"inline_string": key}}
    return _response([{"@type": SECRET, "name": "certificate", "tls_certificate": pair}])


def version(text: str) -> str:
    """Return the version that a watched file declares."""
    return str(json.loads(text)["version_info"])


def nothing() -> str:
    """Return the text of a watched file before anything is declared: Envoy refuses to start without the file."""
    return _response([])


def bootstrap(statistics_port: int, files: str, admin: str, bind: str = "127.0.0.1") -> str:
    """Return what Envoy starts with. ``admin``: path of its own socket, which only this user may open.

    ``bind``: the address at which its statistics are to be had.
    """
    document = {
        "node": {"id": "gateway", "cluster": "groundplan"},
        "admin": {"address": {"pipe": {"path": admin, "mode": 0o600}}},
        "dynamic_resources": {"lds_config": watched(files, "listeners"), "cds_config": watched(files, "clusters")},
        "static_resources": {"listeners": [_statistics(bind, statistics_port)], "clusters": [_own(admin)]},
        "overload_manager": {"resource_monitors": [_connections()]},
        "layered_runtime": {"layers": [{"name": "static", "static_layer": {}}]},
    }
    return _text(document)


def _response(resources: list[dict[str, Any]]) -> str:
    digest = hashlib.sha256(_text(resources).encode()).hexdigest()[:16]
    return _text({"version_info": digest, "resources": resources})


def _text(document: Any) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _connections() -> dict[str, Any]:
    kind = (
        "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    )
    config = {"@type": kind, "max_active_downstream_connections": 4096}
    return {"name": "envoy.resource_monitors.global_downstream_max_connections", "typed_config": config}


def _statistics(bind: str, port: int) -> dict[str, Any]:
    """Figures for monitoring and nothing else of the administration, which could stop the gateway or show a secret."""
    kept = [
        {"match": {"path": path}, "route": {"cluster": "administration"}} for path in ("/stats/prometheus", "/ready")
    ]
    manager = {
        "@type": NETWORK,
        "stat_prefix": "statistics",
        "route_config": {"virtual_hosts": [{"name": "statistics", "domains": ["*"], "routes": kept}]},
        "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"}}],
    }  # fmt: skip
    filters = [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]
    address = {"socket_address": {"address": bind, "port_value": port}}
    return {"name": "statistics", "address": address, "filter_chains": [{"filters": filters}]}


def _own(admin: str) -> dict[str, Any]:
    endpoint = {"endpoint": {"address": {"pipe": {"path": admin}}}}
    load = {"cluster_name": "administration", "endpoints": [{"lb_endpoints": [endpoint]}]}
    return {"name": "administration", "type": "STATIC", "connect_timeout": "1s", "load_assignment": load}
