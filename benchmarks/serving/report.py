"""What was found, as JSON and as text."""

import importlib.metadata
import os
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.serving.environment import HERE
from benchmarks.serving.figures import Goal, median_of, ratios, table
from benchmarks.serving.measure import BATCHES, How
from benchmarks.serving.running import Cores
from benchmarks.serving.vegeta import CONNECTIONS, VERSION

GOALS = {
    "fused is 2 x the best of (a) to (c)": Goal("fused", ("mlflow", "bentoml", "litserve"), 2.0),
    "fused is no slower than (e)": Goal("fused", ("fastapi",), 1.0),
    "fused is no slower than (e'), written by who profiled it": Goal("fused", ("fastapi_arrays",), 1.0),
    "tiered is 1.2 x (d) with its default flags": Goal("tiered", ("ray_default",), 1.2),
    "tiered is no slower than (d) with its fastest flags": Goal("tiered", ("ray_fastest",), 1.0),
    "tiered is 1.2 x (d') with its default flags": Goal("tiered", ("ray_default_arrays",), 1.2),
    "tiered is no slower than (d') with its fastest flags": Goal("tiered", ("ray_fastest_arrays",), 1.0),
}
PACKAGES = ("ray", "mlflow", "feast", "xgboost-cpu", "fastapi", "numpy", "pandas")


def document(found: Mapping[str, Sequence[Mapping[str, float]]], cores: Cores, how: How) -> dict[str, Any]:
    """Return everything: machine, versions, settings, each round, medians, ratios, goals."""
    medians = {name: median_of(rounds) for name, rounds in found.items() if rounds}
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "processor": _processor(),
            "cpus": os.cpu_count(),
            "system": platform.platform(),
            "python": platform.python_version(),
            "load_average_at_the_end": os.getloadavg(),
        },
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES} | {"vegeta": VERSION},
        "rivals": (HERE / "rivals.txt").read_text().splitlines(),
        "settings": {
            "cpus_of_contender": cores.contender,
            "cpus_of_generator_and_stores": cores.others,
            "connections_at_saturation": CONNECTIONS,
            "seconds_a_point": how.seconds,
            "warm_up_seconds": how.warm,
            "requests_compared": how.agree,
        },
        "rounds": found,
        "medians": medians,
        "fused_to_others": _ratios(medians, "fused"),
        "tiered_to_others": _ratios(medians, "tiered"),
        "goals": [_goal(title, goal, medians, size) for title, goal in GOALS.items() for size in BATCHES],
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def _ratios(medians: Mapping[str, Mapping[str, float]], ours: str) -> dict[str, dict[str, float]]:
    if ours not in medians:
        return {}
    return {f"batch {size}": ratios(medians, ours, f"rps_per_core_{size}") for size in BATCHES}


def _goal(title: str, goal: Goal, medians: Mapping[str, Mapping[str, float]], size: int) -> dict[str, Any]:
    reached = goal.of(medians, f"rps_per_core_{size}")
    return {"goal": title, "batch": size, "at_least": goal.times, "is": reached}


COLUMNS = {
    "requests/s a core, batch 1": "rps_per_core_1",
    "p50 ms": "p50_ms_1",
    "p99 ms": "p99_ms_1",
    "batch 100": "rps_per_core_100",
    "p50 ms ": "p50_ms_100",
    "p99 ms ": "p99_ms_100",
    "failed": "failed_1",
    "MiB": "memory_mb",
}


def text(made: Mapping[str, Any]) -> str:
    """Return the tables in Markdown."""
    rows = [{"contender": name, **_row(name, made["medians"])} for name in made["medians"]]
    goals = [
        {"goal": each["goal"], "batch": each["batch"], "at least": each["at_least"], "is": f"{each['is']:.2f}"}
        for each in made["goals"]
        if each["is"] is not None
    ]
    first = table(rows, ["contender", *COLUMNS, "fused is", "tiered is"])
    return f"{first}\n\n{table(goals, ['goal', 'batch', 'at least', 'is'])}"


def _row(name: str, medians: Mapping[str, Mapping[str, float]]) -> dict[str, str]:
    row = {title: f"{medians[name].get(figure, 0):.4g}" for title, figure in COLUMNS.items()}
    for ours in ("fused", "tiered"):
        if ours in medians:
            found = [medians[ours][f"rps_per_core_{s}"] / medians[name][f"rps_per_core_{s}"] for s in BATCHES]
            row[f"{ours} is"] = " / ".join(f"{each:.2f} x" for each in found)
    return row
