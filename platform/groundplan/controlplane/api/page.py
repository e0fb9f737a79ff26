"""The catalogue's page: files from this package, served so that a browser runs nothing but them."""

from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parents[1] / "web"
#: Nothing but our own files, and our own API: no inline script or style, no frame around it.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


class CataloguePage(StaticFiles):
    """The page's files, each with the headers above; a browser asks by ETag whether one has changed."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Return a file, or the page for the folder itself; 404 else."""
        response = await super().get_response(path, scope)
        response.headers.update(HEADERS)
        return response
