"""Requests to the issuer, read strictly: no parameter twice, nothing longer than it can be."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from groundplan.identity.problem import OAuthProblem

LONGEST_BODY = 32 * 1024
MOST_FIELDS = 50
FORM = "application/x-www-form-urlencoded"


def parameters(text: str) -> dict[str, str]:
    """Return the parameters of a query or a form. OAuthProblem for one that comes twice (RFC 6749, section 3.1)."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=bool(text), max_num_fields=MOST_FIELDS)
    except ValueError:
        raise OAuthProblem("invalid_request", "the parameters cannot be read") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise OAuthProblem("invalid_request", "a parameter comes twice")
    if any("\0" in value for value in found.values()):
        raise OAuthProblem("invalid_request", "a parameter holds what no text holds")
    # RFC 6749: a parameter without a value is as if it were not there.
    return {name: value for name, value in found.items() if value}


async def form(request: Request) -> dict[str, str]:
    """Return the fields of a form that was posted. OAuthProblem when it is none, or too long."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise OAuthProblem("invalid_request", f"the body must be {FORM}", 415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise OAuthProblem("invalid_request", "the body is too long", 413)
    try:
        return parameters(body.decode())
    except UnicodeDecodeError:
        raise OAuthProblem("invalid_request", "the body is not UTF-8") from None


def query(request: Request) -> dict[str, str]:
    """Return the parameters of the address."""
    return parameters(request.url.query)
