"""A user's mistake, found while a job or a request runs: one clear line, never a traceback."""

from typing import Any


class RuntimeProblem(Exception):
    """What is wrong, where, the value given, the values allowed, and the fix. Shown to people as one line."""

    def __init__(
        self,
        what: str,
        *,
        path: str = "",
        value: Any = None,
        allowed: Any = None,
        fix: str | None = None,
    ) -> None:
        self.what, self.path, self.fix = _line(what), path, fix
        self.value = None if value is None else _line(str(value))
        self.allowed = None if allowed is None else _line(str(allowed))
        super().__init__(str(self))

    def as_dict(self) -> dict[str, str | None]:
        """Return the five words of an error in a result or an answer: what, path, value, allowed, fix."""
        return {"what": self.what, "path": self.path, "value": self.value, "allowed": self.allowed, "fix": self.fix}

    def __str__(self) -> str:
        parts = [f"{self.path}: {self.what}" if self.path else self.what]
        parts += [f"got {self.value}"] if self.value is not None else []
        parts += [f"allowed: {self.allowed}"] if self.allowed is not None else []
        parts += [f"fix: {self.fix}"] if self.fix else []
        return "; ".join(parts)

    def __reduce__(self) -> tuple[Any, ...]:
        """Errors cross processes (Ray): rebuild from the five words."""
        return _rebuild, (self.as_dict(), type(self))


def _rebuild(words: dict[str, Any], kind: type[RuntimeProblem]) -> RuntimeProblem:
    return kind(words.pop("what"), **words)


def _line(text: str, longest: int = 600) -> str:
    one = " ".join(text.split())
    return one if len(one) <= longest else one[: longest - 1] + "…"
