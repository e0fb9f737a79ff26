"""What the gateway itself answers, in the product's one shape; and its access log, which holds no token."""

from typing import Any

from groundplan.gateway.browser import sign_in_reply

CORRELATION = "x-correlation-id"
JWT = "envoy.filters.http.jwt_authn"

#: Status → what went wrong and what to do about it.
ANSWERS: dict[int, tuple[str, str]] = {
    400: ("the request is not one that the gateway takes", "send plain HTTP without a rewritten path or odd headers"),
    401: ("no valid token came with the request", "groundplan login, or `Authorization: Bearer $(groundplan token)`"),
    403: ("your roles do not allow this here", "groundplan whoami shows them; grants: `access` in stacks/<env>.yaml"),
    404: ("no such route", "docs/access.md lists every route"),
    408: ("the request took too long to arrive", "send it again"),
    413: ("the request is larger than its route takes", "send less at once"),
    415: ("the gateway takes no such content", "docs/access.md lists every route"),
    426: ("HTTP/1.1 or HTTP/2 is needed", "use a newer client"),
    429: ("too many requests", "send it again after Retry-After seconds"),
    431: ("the headers are too large", "send fewer or shorter headers"),
    502: ("the service behind the gateway broke off", "groundplan status"),
    503: ("the service behind the gateway does not answer", "groundplan status"),
    504: ("the service behind the gateway did not answer in time", "groundplan status"),
}


def local_replies(*, browsers: bool) -> dict[str, Any]:
    """Return the listener's replies: JSON as every other part answers, one mapper a status.

    ``browsers``: whoever opens a page is led to the sign-in page, which is the stack's own.
    """
    onward = [sign_in_reply(_status(401))] if browsers else []
    return {
        "mappers": [*onward, *(_mapper(status, *words) for status, words in ANSWERS.items())],
        "body_format": _json("refused", ""),
    }


def _mapper(status: int, what: str, fix: str) -> dict[str, Any]:
    return {"filter": _status(status), "body_format_override": _json(what, fix)}


def _status(status: int) -> dict[str, Any]:
    comparison = {"op": "EQ", "value": {"default_value": status, "runtime_key": f"gateway.reply.{status}"}}
    return {"status_code_filter": {"comparison": comparison}}


def _json(what: str, fix: str) -> dict[str, Any]:
    error = {"what": what, "path": "%PATH(NQ:PATH)%", "value": "%REQ(:METHOD)%", "allowed": None, "fix": fix}
    return {"json_format": {"error": error, "correlation_id": f"%REQ({CORRELATION})%"}}


def access_log() -> list[dict[str, Any]]:
    """Return the access log: one JSON line a request on standard output. Paths without their query: codes are there."""
    fields = {
        "at": "%START_TIME%",
        "correlation_id": f"%REQ({CORRELATION})%",
        "caller": f"%DYNAMIC_METADATA({JWT}:payload:sub)%",
        "client": f"%DYNAMIC_METADATA({JWT}:payload:client_id)%",
        "address": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%",
        "method": "%REQ(:METHOD)%",
        "path": "%PATH(NQ:ORIG_OR_PATH)%",
        "protocol": "%PROTOCOL%",
        "status": "%RESPONSE_CODE%",
        "details": "%RESPONSE_CODE_DETAILS%",
        "flags": "%RESPONSE_FLAGS%",
        "rule": "%ROUTE_NAME%",
        "upstream": "%UPSTREAM_CLUSTER%",
        "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
        "bytes_in": "%BYTES_RECEIVED%",
        "bytes_out": "%BYTES_SENT%",
        "ms": "%DURATION%",
    }
    kind = "type.googleapis.com/envoy.extensions.access_loggers.stream.v3.StdoutAccessLog"
    return [
        {"name": "envoy.access_loggers.stdout", "typed_config": {"@type": kind, "log_format": {"json_format": fields}}}
    ]
