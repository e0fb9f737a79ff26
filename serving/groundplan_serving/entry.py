"""Who may ask a door: the gateway, which has judged the caller, and whoever may read the stack's secrets."""

import hmac

from starlette.requests import Request
from starlette.responses import JSONResponse

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_serving.errors import Fault

HEADER = "x-groundplan-gateway"
#: Asked by health checks; says which versions answer and nothing else.
OPEN = "/healthz"


class Entry:
    """Where the platform has a gateway, a door answers only what shows the secret ``serving-token``."""

    def __init__(self, runtime: Runtime) -> None:
        """RuntimeProblem when there is a gateway and no secret: such a door answers nobody."""
        self._token = runtime.secret("serving-token").encode() if "gateway" in runtime.endpoints else None
        if self._token == b"":
            raise RuntimeProblem("is empty", path=str(runtime.secret_file("serving-token")), fix="groundplan up")

    def refused(self, request: Request, path: str) -> JSONResponse | None:
        """Return the refusal of a request to ``path`` of the application; ``None`` for one that may enter."""
        if self._token is None or path == OPEN:
            return None
        if hmac.compare_digest(request.headers.get(HEADER, "").encode(), self._token):
            return None
        fault = Fault(
            401, "did not come through the gateway", path=HEADER, fix="ask the gateway, or groundplan predict"
        )
        return JSONResponse(fault.body(), status_code=fault.status)
