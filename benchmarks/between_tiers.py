"""How a matrix goes from one tier to the next: by gRPC (a copy), or by reference through Ray's shared memory (none).

Both ways through the same two Ray Serve deployments in turns, on one machine. The receiver says whether the memory is
its own, so that "no copy" is seen and not believed. Run: ``.venv/bin/python -m benchmarks.between_tiers [seconds]``.
"""

import asyncio
import os
import statistics
import sys
import time
from typing import Any

# Read when Ray Serve is imported; the same as on the local target (platform/groundplan/local/launch/ray_head.py).
os.environ |= {
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(64 * 2**20),
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",
}

import numpy as np
import ray
from ray import serve

COLUMNS = 28
ROWS = (1, 100, 1_000, 4_000, 10_000, 100_000)
WAYS = {"gRPC": False, "by reference": True}


class Receiver:
    """The later tier."""

    async def take(self, matrix: Any) -> tuple[float, bool]:
        """Return the sum of a column, and whether the array's memory is this process's own."""
        base = matrix
        while isinstance(base.base, np.ndarray):
            base = base.base
        return float(matrix[:, 0].sum()), bool(base.flags.writeable)


class Sender:
    """The earlier tier."""

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver

    async def measure(self, rows: int, seconds: float) -> dict[str, dict[str, float]]:
        """Return by way the median milliseconds and the share of arrays that came as a copy, taking turns."""
        matrix = np.ones((rows, COLUMNS))
        took: dict[str, list[tuple[float, bool]]] = {way: [] for way in WAYS}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for way, by_reference in WAYS.items():
                take = self._receiver.options(_by_reference=by_reference).take
                begun = time.perf_counter()
                _, own = await take.remote(matrix)
                took[way].append(((time.perf_counter() - begun) * 1000, own))
        return {
            way: {"ms": statistics.median(ms for ms, _ in each), "copied": statistics.mean(own for _, own in each)}
            for way, each in took.items()
        }


async def main(seconds: float) -> None:
    """Print a table: rows of the matrix, its size, the median of each way, and their ratio."""
    receiver = serve.deployment(Receiver, ray_actor_options={"num_cpus": 0.5}).bind()
    sender = serve.deployment(Sender, ray_actor_options={"num_cpus": 0.5}).bind(receiver)
    handle = await asyncio.to_thread(serve.run, sender, route_prefix=None)
    print(f"{'rows':>8}{'kB':>9}{'gRPC ms':>10}{'copied':>8}{'by reference ms':>17}{'copied':>8}{'ratio':>7}")
    for rows in ROWS:
        await handle.measure.remote(rows, min(seconds, 1.0))  # the first calls open connections
        found = await handle.measure.remote(rows, seconds)
        grpc, reference = found["gRPC"], found["by reference"]
        figures = f"{grpc['ms']:>10.2f}{grpc['copied']:>8.0%}{reference['ms']:>17.2f}{reference['copied']:>8.0%}"
        print(f"{rows:>8,}{rows * COLUMNS * 8 / 1000:>9,.0f}{figures}{reference['ms'] / grpc['ms']:>7.2f}", flush=True)


if __name__ == "__main__":
    ray.init(
        "local",  # a cluster of its own, whatever else of Ray runs on this machine
        num_cpus=2,
        include_dashboard=False,
        _node_ip_address="127.0.0.1",
        object_store_memory=512 * 2**20,
        log_to_driver=False,
        runtime_env={"worker_process_setup_hook": "groundplan_runtime.loopback.apply"},
    )
    try:
        asyncio.run(main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0))
    finally:
        serve.shutdown()
        ray.shutdown()
