"""Features of 100 entities (R062: p99 < 10 ms): our reader beside Feast's own async read, on one Valkey, taking turns.

The feature service is that of the flights project (4 views, 28 features). Two requests: as the flights project asks
(3 airports, 16 carriers), and the hardest, 100 airports and 100 carriers, none twice.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
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


async def taken(reads: dict[str, Read], seconds: float) -> dict[str, list[float]]:
    """Return the milliseconds of each read, one after the other in turns, for that long."""
    found: dict[str, list[float]] = {name: [] for name in reads}
    for read in reads.values():
        for _ in range(20):
            await read()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for name, read in reads.items():
            start = time.perf_counter()
            await read()
            found[name].append((time.perf_counter() - start) * 1000)
    return found


async def compare(runtime: Runtime, store: Any, asked: dict[str, Any], seconds: float) -> None:
    """Print p50 and p99 of both, and the ratio, for each request."""
    reader, service = OnlineReader(runtime, PROJECT), store.get_feature_service(SERVICE)
    for name, entities in requests().items():
        reads: dict[str, Read] = {
            "groundplan": lambda rows=entities: reader.read(asked, rows),
            "feast": lambda rows=entities: store.get_online_features_async(service, rows, full_feature_names=True),
        }
        cuts = {who: statistics.quantiles(ms, n=100) for who, ms in (await taken(reads, seconds)).items()}
        figures = ", ".join(f"{who} p50 {cut[49]:.2f} ms p99 {cut[98]:.2f} ms" for who, cut in cuts.items())
        ratio = [cuts["feast"][at] / cuts["groundplan"][at] for at in (49, 98)]
        print(f"{ENTITIES} entities, {name}: {figures}; feast / groundplan: {ratio[0]:.1f} (p50), {ratio[1]:.1f} (p99)")
    await reader.close()


def main(seconds: float = 10.0) -> None:
    """Start the services, fill them, measure, and remove them."""
    with tempfile.TemporaryDirectory() as folder:
        stack = LocalStack(make_site(Path(folder) / "data", free_port_base()), ["Database", "OnlineStore"])
        try:
            stack.up()
            runtime = Runtime.load(Path(stack.site.folder) / "runtime.json")
            runtime.apply_environment()
            store, asked = fill(runtime)
            asyncio.run(compare(runtime, store, asked, seconds))
        finally:
            stack.down()


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
