"""Rate limits a caller and a route, and how large a request may be."""

from typing import Any

from groundplan.spec.access import LIMITS, Rule

LOCAL_RATELIMIT = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
BUFFER = "type.googleapis.com/envoy.extensions.filters.http.buffer.v3"
BODY_LIMIT = "type.googleapis.com/envoy.extensions.filters.http.body_size_limit.v3.BodySizeLimit"
MIB = 1024 * 1024
#: Up to here a body is held back until it is whole, so that what is refused has reached nobody; larger ones stream.
HELD = 64
#: Callers that are told apart at a time; the longest silent is forgotten first.
CALLERS = 10_000
ALWAYS = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}


def rate_filter() -> dict[str, Any]:
    """Return the filter's own configuration: nothing is limited but by its route."""
    return {"@type": LOCAL_RATELIMIT, "stat_prefix": "gateway"}


def route_rate(rule: Rule) -> dict[str, Any]:
    """Return one route's limits: 429 with Retry-After for the caller (or all of them) who asks too often."""
    limit, (key, caller) = LIMITS[rule.limit], _caller(rule)
    return {
        "@type": LOCAL_RATELIMIT,
        "stat_prefix": rule.name,
        "token_bucket": _bucket(limit.route),
        "filter_enabled": ALWAYS,
        "filter_enforced": ALWAYS,
        "rate_limits": [{"actions": [caller]}],
        "descriptors": [{"entries": [{"key": key}], "token_bucket": _bucket(limit.client)}],
        "max_dynamic_descriptors": CALLERS,
        "response_headers_to_add": [{"header": {"key": "retry-after", "value": "1"}}],
    }


def _bucket(a_second: int) -> dict[str, Any]:
    return {"max_tokens": 2 * a_second, "tokens_per_fill": a_second, "fill_interval": "1s"}


def _caller(rule: Rule) -> tuple[str, dict[str, Any]]:
    """Who the token is of; the address of those whom nobody knows yet. With the name of what tells them apart."""
    if rule.scope == "open":
        return "remote_address", {"remote_address": {}}
    key = {"key": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "sub"}]}
    return "caller", {"metadata": {"descriptor_key": "caller", "metadata_key": key, "default_value": "nobody"}}


def body_filters() -> dict[str, dict[str, Any]]:
    """Return the two filters' own configurations."""
    largest = max(limit.body for limit in LIMITS.values())
    return {
        "envoy.filters.http.body_size_limit": {"@type": BODY_LIMIT, "max_request_bytes": largest * MIB},
        "envoy.filters.http.buffer": {"@type": f"{BUFFER}.Buffer", "max_request_bytes": MIB},
    }


def route_body(rule: Rule) -> dict[str, Any]:
    """Return one route's configuration of the buffer."""
    size = LIMITS[rule.limit].body
    if size > HELD:
        return {"@type": f"{BUFFER}.BufferPerRoute", "disabled": True}
    return {"@type": f"{BUFFER}.BufferPerRoute", "buffer": {"max_request_bytes": size * MIB}}
