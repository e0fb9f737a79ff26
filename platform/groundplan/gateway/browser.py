"""Browsers at the gateway: pages by a session's cookie, and the way to the sign-in page and back."""

from typing import Any

from groundplan.gateway.settings import HOSTS, Settings
from groundplan.spec.browser import PAGES, Page, page_audience, page_cookie

#: Where the issuer lets a browser in; what follows ``to=`` is taken as it is.
SIGN_IN = "/identity/browser?to="
#: The page that a request is for; pages are navigated to by GET, and want HTML.
_PAGES = rf"/(?:{'|'.join(PAGES)})(?:[/?].*)?"
#: How a page asks itself, and how somebody who types its address does.
_OWN, _TYPED = "same-origin", "none"


def providers(settings: Settings, bearer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return who vouches for cookies: the stack's own issuer, page by page; nobody where it is another."""
    pages = PAGES if "identity" in settings.upstreams else ()
    rest = {key: value for key, value in bearer.items() if key != "from_headers"}
    return {page: {**rest, "audiences": [page_audience(page)], "from_cookies": [page_cookie(page)]} for page in pages}


def requirements(settings: Settings) -> list[dict[str, Any]]:
    """Return what a page's paths need: a bearer token or the page's cookie."""
    return [
        {
            "match": {"path_separated_prefix": f"/{page}"},
            "requires": {"requires_any": {"requirements": [{"provider_name": each} for each in ("issuer", page)]}},
        }
        for page in providers(settings, {})
    ]


def asked_rightly(page: Page, audience: Any, port: int) -> dict[str, Any]:
    """Return the principal of who may ask a page: by a bearer token, or by its cookie and from the page itself.

    A cookie is sent by browsers whoever makes them ask: it counts when they say that it was the page, or somebody who
    typed its address; and what changes something has to come from our origin. ``audience``: makes the principal of
    tokens with an audience.
    """
    ours = "|".join(f"https://{host}:{port}".replace("[", r"\[").replace("]", r"\]") for host in HOSTS)
    reads = _all(_header(":method", "GET|HEAD"), _header("sec-fetch-site", f"{_OWN}|{_TYPED}"))
    writes = _all(_header("sec-fetch-site", _OWN), _header("origin", ours.replace(".", r"\.")))
    by_cookie = _all(audience(page_audience(page)), {"or_ids": {"ids": [reads, writes]}})
    by_bearer = _all(*({"not_id": audience(page_audience(each))} for each in PAGES))
    return {"or_ids": {"ids": [by_bearer, by_cookie]}}


def _all(*principals: dict[str, Any]) -> dict[str, Any]:
    return {"and_ids": {"ids": list(principals)}}


def _header(name: str, pattern: str) -> dict[str, Any]:
    return {"header": {"name": name, "string_match": {"safe_regex": {"regex": pattern}}}}


def sign_in_reply(status: dict[str, Any]) -> dict[str, Any]:
    """Return the reply to a browser that opens a page without a session; ``status``: the filter of what is refused."""
    opens = {
        ":method": {"exact": "GET"},
        ":path": {"safe_regex": {"regex": _PAGES}},
        "accept": {"contains": "text/html"},
    }
    asked = [{"header_filter": {"header": {"name": name, "string_match": match}}} for name, match in opens.items()]
    location = {"header": {"key": "location", "value": f"{SIGN_IN}%REQ(:PATH)%"}}
    return {
        "filter": {"and_filter": {"filters": [status, *asked]}},
        "status_code": 302,
        "headers_to_add": [location, {"header": {"key": "cache-control", "value": "no-store"}}],
        "body_format_override": {"text_format_source": {"inline_string": "sign in first\n"}},
    }
