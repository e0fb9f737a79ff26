"""Features of 100 entities (R062: p99 < 10 ms): our reader beside Feast's own async read, on one Valkey, taking turns.

R062's figure is taken in a process of its own without Feast, as a replica is. The feature service is that of the
flights project (4 views, 28 features). Two requests: as the flights project asks (3 airports, 16 carriers), and the
hardest, 100 airports and 100 carriers, none twice.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tests.support.clone import free_port_base
from tests.support.local_stack import LocalStack, make_site

from groundplan.compose import load
from groundplan_runtime import feast_repo
from groundplan_runtime.config import Runtime
from groundplan_runtime.online import OnlineReader

ROOT = Path(__file__).resolve().parents[1]
PROJECT, SERVICE, ENTITIES = "flights", "hourly_delay", 100
AT = pd.Timestamp("2014-01-01", tz="UTC")
AIRPORTS, CARRIERS = [f"A{n:02}" for n in range(100)], [f"C{n:02}" for n in range(100)]
Read = Callable[[], Awaitable[Any]]


def declared() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the flights project's entities, feature views and the fields of its service's views."""
    spec = next(each.spec for each in load(ROOT, "local")[1] if each.spec.name == PROJECT)
    entities = {name: each.model_dump(mode="json") for name, each in spec.entities.items()}
    views = {name: each.model_dump(mode="json") for name, each in spec.feature_views.items()}
    return entities, views, {"views": {name: list(view["fields"]) for name, view in views.items()}}


def features(entities: dict[str, Any], views: dict[str, Any]) -> dict[str, Any]:
    """Return what a pair version's features are called between control plane and serving (FEATURES)."""
    keys = {name: {"join_key": each["join_key"], "type": each["type"]} for name, each in entities.items()}
    asked = {
        name: {
            "join_keys": {keys[each]["join_key"]: keys[each]["type"] for each in view["entities"]},
            "fields": view["fields"],
        }
        for name, view in views.items()
    }
    return {"name": SERVICE, "views": asked, "entities": keys}


def fill(runtime: Runtime) -> tuple[Any, dict[str, Any]]:
    """Register the project's features, write a row for every entity; return Feast's store and our FEATURES."""
    entities, views, service = declared()
    store = feast_repo.store(runtime, PROJECT)
    own = {name: feast_repo.entity(name, each) for name, each in entities.items()}
    made = {name: feast_repo.feature_view(name, view, own, f"unused/{name}") for name, view in views.items()}
    store.apply([*own.values(), *made.values(), feast_repo.feature_service(SERVICE, service, made)])
    for name, view in views.items():
        store.write_to_online_store(name, _rows(view, [entities[each]["join_key"] for each in view["entities"]]))
    return store, features(entities, views)


def _rows(view: dict[str, Any], keys: list[str]) -> pd.DataFrame:
    values = {"origin": AIRPORTS, "carrier": CARRIERS}
    frame = pd.MultiIndex.from_product([values[key] for key in keys], names=keys).to_frame(index=False)
    noise = np.random.default_rng(1)
    for field, kind in view["fields"].items():
        found = noise.integers(0, 100, len(frame)) if kind == "int64" else noise.normal(0, 10, len(frame))
        frame[field] = found
    return frame.assign(**{view["timestamp"]: AT})


def requests() -> dict[str, list[dict[str, str]]]:
    """Return the two requests, by what is asked."""
    usual = [{"origin": AIRPORTS[n % 3], "carrier": CARRIERS[n % 16]} for n in range(ENTITIES)]
    return {
        "3 airports, 16 carriers": usual,
        "all different": [{"origin": a, "carrier": c} for a, c in zip(AIRPORTS, CARRIERS, strict=True)],
    }


async def taken(reads: dict[str, Read], seconds: float) -> dict[str, list[tuple[float, float]]]:
    """Return (milliseconds, CPU milliseconds) of each read, in turns, for that long."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in reads}
    for read in reads.values():
        for _ in range(20):
            await read()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, read in reads.items():
            start, cpu = time.perf_counter(), time.process_time()
            await read()
            found[name].append(((time.perf_counter() - start) * 1000, (time.process_time() - cpu) * 1000))
    return found


async def compare(runtime: Runtime, store: Any, asked: dict[str, Any], seconds: float) -> None:
    """Print p50 and p99 of both, and the ratio, for each request."""
    reader, service = OnlineReader(runtime, PROJECT), store.get_feature_service(SERVICE)
    for name, entities in requests().items():
        reads: dict[str, Read] = {
            "groundplan": lambda rows=entities: reader.read(asked, rows),
            "feast": lambda rows=entities: store.get_online_features_async(service, rows, full_feature_names=True),
        }
        figures = {who: _figures(ms) for who, ms in (await taken(reads, seconds)).items()}
        print(f"{ENTITIES} entities, {name}")
        for who, each in figures.items():
            print(f"  {who}: {_line(each)}")
        ratio = {word: figures["feast"][word] / value for word, value in figures["groundplan"].items()}
        print("  feast / groundplan: " + ", ".join(f"{word} {value:.1f}" for word, value in ratio.items()), flush=True)
    await reader.close()


def alone(path: Path, asked: dict[str, Any], seconds: float) -> dict[str, dict[str, float]]:
    """Return the reader's figures by request, in a process that never imported Feast."""
    found = {}

    async def run() -> None:
        reader = OnlineReader(Runtime.load(path), PROJECT)
        for name, entities in requests().items():
            ms = await taken({"": lambda rows=entities: reader.read(asked, rows)}, seconds)
            found[name] = _figures(ms[""])
        await reader.close()

    asyncio.run(run())
    return found


def measure(path: Path, seconds: float) -> None:
    """Fill the services that the runtime file names, then measure the reader alone and beside Feast."""
    runtime = Runtime.load(path)
    runtime.apply_environment()
    store, asked = fill(runtime)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        for name, each in pool.submit(alone, path, asked, seconds).result().items():
            print(f"{ENTITIES} entities, {name}, groundplan alone: {_line(each)}", flush=True)
    asyncio.run(compare(runtime, store, asked, seconds))


def _line(figures: dict[str, float]) -> str:
    return ", ".join(f"{word} {value:.2f} ms" for word, value in figures.items())


def _figures(ms: list[tuple[float, float]]) -> dict[str, float]:
    cuts = statistics.quantiles([wall for wall, _ in ms], n=100)
    return {"p50": cuts[49], "p99": cuts[98], "CPU": statistics.mean(cpu for _, cpu in ms)}


def main(seconds: float = 10.0) -> None:
    """Start the services, fill them, measure, and remove them."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(make_site(Path(folder) / "data", free_port_base()), ["Database", "OnlineStore"])
        try:
            stack.up()
            measure(Path(stack.site.folder) / "runtime.json", seconds)
        finally:
            stack.down()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
