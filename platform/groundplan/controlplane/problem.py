"""What the API refuses with: an HTTP status and the parts of one clear line."""

from collections.abc import Mapping
from typing import Any

from groundplan.errors import GroundplanError

#: Characters of a foreign error's text that are shown; all of it is in the log.
LONGEST = 400


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


#: Packages whose errors mean that one service failed or does not answer, and how people call that service.
SERVICES = {
    "mlflow": "MLflow",
    "requests": "MLflow",
    "feast": "the feature store",
    "redis": "the online store",
    "botocore": "the object store",
    "sqlalchemy": "the database",
    "psycopg": "the database",
    "psycopg2": "the database",
    "httpx": "Ray",
}


def as_parts(error: Exception) -> dict[str, Any]:
    """Return any error as the parts of one line, for an operation that failed."""
    if isinstance(error, ApiProblem):
        return error.parts
    parts = {key: getattr(error, key, None) for key in ("path", "value", "allowed", "fix")}
    what = (
        getattr(error, "what", None)
        or " ".join(str(getattr(error, "orig", error)).split())[:LONGEST]
        or type(error).__name__
    )
    service = service_of(error)
    if service:
        what = f"{service} failed or does not answer: {type(error).__name__}: {what}"
    return {"what": what, **{key: None if value is None else str(value) for key, value in parts.items()}}


def service_of(error: Exception) -> str | None:
    """Return the service whose client raised the error, or None."""
    return SERVICES.get(type(error).__module__.split(".")[0])


def shown(value: object) -> str:
    """Return a value that was given as an error shows it: its beginning, and no half characters that JSON let pass."""
    return str(value)[:80].encode(errors="replace").decode()


def one_line(parts: Mapping[str, Any]) -> str:
    """Return the parts of an error as one line."""
    told = [str(parts["what"])]
    told += [f"{key}: {parts[key]}" for key in ("path", "value", "allowed", "fix") if parts.get(key)]
    return "; ".join(told)
