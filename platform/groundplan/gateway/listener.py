"""The one listener: TLS, strict HTTP, and the filters that every request goes through, in their order."""

from typing import Any

from groundplan.gateway.browser import providers, requirements
from groundplan.gateway.limits import body_filters, rate_filter
from groundplan.gateway.policies import JWT, deny_all
from groundplan.gateway.replies import CORRELATION, access_log, local_replies
from groundplan.gateway.settings import Settings

HTTP = "type.googleapis.com/envoy.extensions.filters.http"
NETWORK = "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
TLS = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext"
IDENTITY, PROOF, OURS = "x-groundplan-identity", "x-groundplan-gateway", "x-groundplan-"
#: By which callers would have a service read another path, method or address than the one that was judged.
MISLEADING = (
    "forwarded",
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-http-method",
    "x-method-override",
)
#: Seconds: how far clocks may be apart, the longest life of a token, how often the issuer's keys are fetched.
SKEW, LONGEST, KEYS = 5, 3600, 10
#: Tokens whose signature is remembered as checked, until they end: a third of the gateway's CPU.
REMEMBERED = 1000


def listener(settings: Settings, files: str) -> dict[str, Any]:
    """Return the listener; ``files``: the folder of the configuration."""
    return {
        "@type": "type.googleapis.com/envoy.config.listener.v3.Listener",
        "name": "gateway",
        "address": {"socket_address": {"address": settings.bind, "port_value": settings.port}},
        "per_connection_buffer_limit_bytes": 1024 * 1024,
        "filter_chains": [{"transport_socket": _tls(files), "filters": [_manager(settings, files)]}],
    }


def watched(files: str, name: str) -> dict[str, Any]:
    """Return where Envoy reads a document, and reads it again when it was replaced."""
    source = {"path": f"{files}/{name}.json", "watched_directory": {"path": files}}
    return {"path_config_source": source, "resource_api_version": "V3"}


def _tls(files: str) -> dict[str, Any]:
    secret = {"name": "certificate", "sds_config": watched(files, "certificate")}
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
        "alpn_protocols": ["h2", "http/1.1"],
        "tls_certificate_sds_secret_configs": [secret],
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": {"@type": TLS, "common_tls_context": common}}


def _manager(settings: Settings, files: str) -> dict[str, Any]:
    config = {
        "@type": NETWORK,
        "stat_prefix": "gateway",
        "codec_type": "AUTO",
        "server_name": "groundplan",
        "rds": {"route_config_name": "gateway", "config_source": watched(files, "routes")},
        "http_filters": _filters(settings),
        "access_log": access_log(),
        "local_reply_config": local_replies(browsers="identity" in settings.upstreams),
        **_strict(),
        **_patience(),
    }
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _strict() -> dict[str, Any]:
    """Nothing that two programs could read in two ways goes on. Odd paths are refused by a route, not mended."""
    return {
        "use_remote_address": True,
        # Nobody is "internal": x-envoy-* of callers are removed.
        "internal_address_config": {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]},
        "generate_request_id": True,
        "preserve_external_request_id": False,
        "always_set_request_id_in_response": True,
        "normalize_path": False,
        "merge_slashes": False,
        "max_request_headers_kb": 32,
        "http_protocol_options": {"allow_absolute_url": False, "accept_http_10": False, "allow_chunked_length": False},
        "http2_protocol_options": {"max_concurrent_streams": 128},
    }


def _patience() -> dict[str, Any]:
    return {
        "request_headers_timeout": "10s",
        "stream_idle_timeout": "120s",
        "common_http_protocol_options": {
            "idle_timeout": "300s",
            "max_headers_count": 64,
            "headers_with_underscores_action": "REJECT_REQUEST",
        },
        "drain_timeout": "5s",
    }


def _filters(settings: Settings) -> list[dict[str, Any]]:
    configs: dict[str, dict[str, Any]] = {
        "envoy.filters.http.header_mutation": _headers(),
        JWT: _tokens(settings),
        "envoy.filters.http.local_ratelimit": rate_filter(),
        "envoy.filters.http.rbac": deny_all(),
        **body_filters(),
        "envoy.filters.http.router": {"@type": f"{HTTP}.router.v3.Router", "suppress_envoy_headers": True},
    }
    return [{"name": name, "typed_config": config} for name, config in configs.items()]


def _headers() -> dict[str, Any]:
    """First of all: what only the gateway may say is removed. A correlation id is there from here on."""
    made = {"key": CORRELATION, "value": "%REQ(x-request-id)%"}
    back = {"key": CORRELATION, "value": f"%REQ({CORRELATION})%"}
    return {
        "@type": f"{HTTP}.header_mutation.v3.HeaderMutation",
        "mutations": {
            "request_mutations": [
                {"remove_on_match": {"key_matcher": {"prefix": OURS}}},
                *({"remove": name} for name in MISLEADING),
                {"append": {"header": made, "append_action": "ADD_IF_ABSENT"}},
            ],
            "response_mutations": [{"append": {"header": back, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}],
        },
    }


def _tokens(settings: Settings) -> dict[str, Any]:
    uri = {"uri": settings.jwks, "cluster": "identity", "timeout": "5s"}
    provider = {
        "issuer": settings.issuer,
        "audiences": [settings.audience],
        "remote_jwks": {"http_uri": uri, "cache_duration": f"{KEYS}s", "async_fetch": {"fast_listener": True}},
        # In an address it would end in logs; as a cookie it is another token (browser.py).
        "from_headers": [{"name": "Authorization", "value_prefix": "Bearer "}],
        "forward": False,
        "forward_payload_header": IDENTITY,
        "payload_in_metadata": "payload",
        "header_in_metadata": "header",
        "clock_skew_seconds": SKEW,
        "require_expiration": True,
        "max_lifetime": f"{LONGEST}s",
        "jwt_cache_config": {"jwt_cache_size": REMEMBERED},
    }
    return {
        "@type": f"{HTTP}.jwt_authn.v3.JwtAuthentication",
        "providers": {"issuer": provider, **providers(settings, provider)},
        # Everything needs a token; an open route switches the filter off for itself.
        "rules": [
            *requirements(settings),
            {"match": {"prefix": "/"}, "requires": {"provider_name": "issuer"}},
        ],
        "strip_failure_response": False,
    }
