"""What a replica measures of itself, for its autoscaling (:mod:`groundplan_serving.autoscaling`)."""

import os

import psutil

#: Weight of the newest query in the moving average.
NEWEST = 0.05


class Load:
    """What one replica measures of itself."""

    def __init__(self, cpus: float = 0.0) -> None:
        self._process = psutil.Process(os.getpid())
        self._process.cpu_percent()
        self._cpus = cpus
        self._means: dict[str, float] = {}

    def took(self, metric: str, value: float) -> None:
        """Count one measurement into the moving average of a metric."""
        before = self._means.get(metric, value)
        self._means[metric] = before + NEWEST * (value - before)

    def stats(self) -> dict[str, float]:
        """Return the metrics: ``cpu`` is percent of the replica's CPUs since the last call, of one where unknown."""
        cpu = self._process.cpu_percent() / max(self._cpus, 1.0)
        found = {"cpu": cpu, **self._means}
        gpu = gpu_percent()
        return found if gpu is None else {**found, "gpu": gpu}


def gpu_percent() -> float | None:
    """Return the use of this process's GPUs in percent, None where there is none (or no NVIDIA library to ask)."""
    if not os.environ.get("CUDA_VISIBLE_DEVICES"):
        return None
    import pynvml

    pynvml.nvmlInit()
    devices = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
    return float(max((pynvml.nvmlDeviceGetUtilizationRates(each).gpu for each in devices), default=0))
