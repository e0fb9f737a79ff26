"""The local stack in a clone of its own: from destroyed to a prediction, no-op, preview of an edit, memory, latency."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import httpx
from tests.support.clone import Clone, make_clone, pass_of

REQUESTS = 300


def timed(name: str, work: Callable[[], object]) -> None:
    """Run and print the seconds it took."""
    start = time.monotonic()
    work()
    print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)


def pss_gib(clone: Clone) -> float:
    """Return the proportional memory of all that runs for the clone, in GiB."""
    return sum(process.memory_full_info().pss for process in clone.processes()) / 2**30


def latency(clone: Clone) -> None:
    """Print p50 and p99 of a prediction of three entities, one after the other."""
    outputs = clone.outputs()
    endpoint = f"{outputs['endpoints']['predict']}/predict/feast/batch"
    body = {"entities": [{"origin": o, "carrier": c} for o, c in (("JFK", "AA"), ("EWR", "UA"), ("LGA", "DL"))]}
    with httpx.Client(headers=pass_of(outputs)) as http:
        taken = []
        for _ in range(REQUESTS):
            start = time.perf_counter()
            http.post(endpoint, json=body).raise_for_status()
            taken.append((time.perf_counter() - start) * 1000)
    cuts = statistics.quantiles(taken[20:], n=100)
    print(f"prediction of three entities: p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")


def main() -> None:
    """Make a clone, measure, and remove it."""
    with tempfile.TemporaryDirectory() as folder:
        clone = make_clone(Path(folder) / "clone")
        try:
            clone.run("make", ".venv/deploy")
            timed("from nothing deployed to a prediction", lambda: clone.groundplan("up", "local"))
            time.sleep(20)  # let it come to rest: this measures idle memory
            print(f"idle: {pss_gib(clone):.2f} GiB PSS")
            timed("no-op up", lambda: clone.groundplan("up", "local"))
            timed("no-op pulumi up", lambda: clone.pulumi("up", "-s", "local", "--yes"))
            timed("plan", lambda: clone.groundplan("plan", "local"))
            with clone.edited("projects/flights/training/delay.yaml", r"max_depth: \d+", "max_depth: 5"):
                timed("preview of an edit", lambda: clone.pulumi("preview", "-s", "local"))
            latency(clone)
            timed("down", lambda: clone.groundplan("down", "local", "--yes"))
        finally:
            clone.stop()


if __name__ == "__main__":
    main()
