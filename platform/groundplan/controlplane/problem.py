"""What the API refuses with: an HTTP status and the parts of one clear line."""

from typing import Any

from groundplan.errors import GroundplanError


class ApiProblem(GroundplanError):
    """A request that cannot be met. ``status`` is the HTTP status; the rest is one line's parts."""

    def __init__(
        self,
        status: int,
        what: str,
        *,
        path: str | None = None,
        value: str | None = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.status = status
        self.parts = {"what": what, "path": path, "value": value, "allowed": allowed, "fix": fix}
        super().__init__("; ".join(str(part) for part in self.parts.values() if part))

    def body(self) -> dict[str, Any]:
        """Return the JSON body of the answer."""
        return {"error": self.parts}


def as_parts(error: Exception) -> dict[str, Any]:
    """Return any error as the parts of one line, for an operation that failed."""
    if isinstance(error, ApiProblem):
        return error.parts
    parts = {key: getattr(error, key, None) for key in ("path", "value", "allowed", "fix")}
    what = getattr(error, "what", None) or " ".join(str(error).split()) or type(error).__name__
    return {"what": what, **{key: None if value is None else str(value) for key, value in parts.items()}}
