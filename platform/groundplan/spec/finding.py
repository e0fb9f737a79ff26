"""One mistake in a spec, by its place: the caller finds the file and line."""

from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """One mistake in a spec: its place in the spec, what, the value given, the values allowed, the fix."""

    path: Path
    what: str
    value: str | None = None
    allowed: str | None = None
    fix: str | None = None
