"""The pages that people see: no script, nothing from elsewhere, readable by keyboard and screen reader."""

import base64
import hashlib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse

STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh}"
    "main{width:min(22rem,90vw);padding:1rem}h1{font-size:1.5rem;margin:0}"
    "label{display:block;margin:1rem 0 .25rem;font-weight:600}"
    "input,button{font:inherit;box-sizing:border-box;width:100%;padding:.6rem}"
    "input,button{border:1px solid #767676;border-radius:.4rem}"
    "button{margin-top:1.5rem;background:#0b57d0;color:#fff;border-color:#0b57d0;font-weight:600;cursor:pointer}"
    ":focus-visible{outline:3px solid #e8710a;outline-offset:2px}"
    ".message{border-left:.25rem solid #c5221f;padding-left:.75rem}.help{font-size:.875rem}"
)
_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True, undefined=StrictUndefined
)


def page(
    template: str, title: str, status: int = 200, *, onward: str | None = None, headers: dict[str, str] | None = None,
    **values: Any,
) -> HTMLResponse:  # fmt: skip
    """Return a page. ``onward``: where its form may lead by a redirect, beside the issuer itself."""
    text = _TEMPLATES.get_template(template).render(title=title, style=Markup(STYLE), **values)  # noqa: S704 - ours
    policy = (
        f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'{_origin(onward)}; "
        "frame-ancestors 'none'; base-uri 'none'"
    )
    return HTMLResponse(text, status, {**(headers or {}), "Content-Security-Policy": policy})


def _origin(address: str | None) -> str:
    """Browsers hold what a form's answer redirects to against the policy as well."""
    if not address:
        return ""
    parts = urlsplit(address)
    return f" {parts.scheme}://{parts.netloc}"
