"""Predictions as they were answered: what monitoring, audit and skew checks read."""

from dataclasses import dataclass
from typing import Any

from groundplan_runtime.block import Block


@dataclass(frozen=True)
class Served:
    """One request's answer by one pair version. ``at`` is in unix seconds; ``role`` is ``answer`` or ``shadow``."""

    request_id: str
    at: float
    alias: str
    version: int
    role: str
    keys: dict[str, list[Any]]
    block: Block
    predictions: Any
    latency_ms: dict[str, float]


class PredictionLog:
    """Counts what is answered until the writer to the object store lands."""

    def __init__(self, runtime: Any, project: str, application: str) -> None:
        self._rows = 0

    def add(self, served: Served) -> None:
        """Keep one; never blocks."""
        self._rows += served.block.rows

    def close(self) -> None:
        """Write what is left."""
