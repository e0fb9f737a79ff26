"""Each tier scales on its own bottleneck: waiting requests, feature query time, CPU, GPU.

The rule is that of Kubernetes' horizontal pod autoscaler: desired = ceil(current x measured / target), within a
tolerance (https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#algorithm-details).
"""

import math
from collections.abc import Mapping
from typing import Any

#: What a tier may scale on, and the name under which replicas report it. ``queue`` is counted by Serve itself.
METRICS = ("queue", "query_ms", "cpu", "gpu")
#: Relative difference from the target that changes nothing.
TOLERANCE = 0.1


def desired(current: int, measured: float, target: float) -> int:
    """Return how many replicas bring ``measured`` (a mean over ``current`` replicas) to ``target``."""
    ratio = measured / target
    if current == 0 or abs(ratio - 1) <= TOLERANCE:
        return current
    return max(1, math.ceil(current * ratio))


class ByMetric:
    """Ray Serve's policy of a tier: the mean of one metric over its replicas, held against its target.

    ``gpu`` falls back to ``cpu`` where no replica reports one. Serve applies bounds and delays to what it returns.
    """

    def __init__(self, metric: str, target: float) -> None:
        self._metric, self._target = metric, target

    def __call__(self, context: Any) -> tuple[int, dict[str, Any]]:
        """Return the replicas wanted, and the policy's state (none)."""
        current = max(int(context.current_num_replicas), 1)
        if self._metric == "queue":
            return desired(current, context.total_num_requests / current, self._target), {}
        metrics = context.aggregated_metrics or {}
        measured = _mean(metrics, self._metric)
        if measured is None and self._metric == "gpu":
            measured = _mean(metrics, "cpu")
        if measured is None:
            return int(context.target_num_replicas), {}
        return desired(current, measured, self._target), {}


def _mean(metrics: Mapping[str, Mapping[Any, float]], metric: str) -> float | None:
    values = [value for value in (metrics.get(metric) or {}).values() if not math.isnan(value)]
    return sum(values) / len(values) if values else None
