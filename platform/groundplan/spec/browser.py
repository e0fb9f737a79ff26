"""Pages of services behind the gateway that people open in a browser: each has a session's cookie of its own."""

from typing import Literal, get_args

Page = Literal["mlflow", "ray"]
#: Page → how people call it. Its path is its name; its cookie goes there and nowhere else.
PAGES: dict[Page, str] = {"mlflow": "MLflow", "ray": "Ray's dashboard"}


def page_cookie(page: Page) -> str:
    """Return the name of a page's cookie; browsers take it over TLS alone."""
    return f"__Secure-groundplan-{page}"


def page_audience(page: Page) -> str:
    """Return the audience of the token in it: it is good for that page, and is no bearer token anywhere."""
    return f"groundplan-{page}"


assert tuple(PAGES) == get_args(Page)  # noqa: S101 - one table, two spellings
