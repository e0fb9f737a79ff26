"""Answers other than 200: one shape, one clear line."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass
class Fault(Exception):
    """What a request is refused with: an HTTP status and the parts of one line. Crosses processes."""

    status: int
    what: str
    path: str = ""
    value: str | None = None
    allowed: str | None = None
    fix: str | None = None

    def body(self) -> dict[str, Any]:
        """Return the JSON body: ``{"error": {"what", "path", "value", "allowed", "fix"}}``."""
        return {"error": {k: v for k, v in asdict(self).items() if k != "status"}}

    def __reduce__(self) -> tuple[Any, ...]:
        return (Fault, (self.status, self.what, self.path, self.value, self.allowed, self.fix))


class TierFailed(Fault):
    """A tier's work itself raised: what one request brought must not fail those that went with it."""


def unavailable(tier: str, why: str) -> Fault:
    """A tier is down, stalled or overloaded: 503 with its name."""
    return Fault(503, f"{tier} {why}", path=tier, fix="try again; `groundplan status` tells what is wrong")


def failed(tier: str, why: str) -> TierFailed:
    """A tier's work raised an error: 503 with its name."""
    return TierFailed(503, f"{tier} failed: {why}", path=tier, fix="try again; `groundplan status` tells what is wrong")


def last_line(error: Exception) -> str:
    """Return what an error says, in its last line, shortened."""
    lines = str(error).strip().splitlines()
    return lines[-1][:200] if lines else type(error).__name__
