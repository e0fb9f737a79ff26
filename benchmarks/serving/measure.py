"""One contender, measured: at saturation, then at half of that rate, with one entity a request and with a hundred."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from benchmarks.serving import vegeta
from benchmarks.serving.contenders import Contender
from benchmarks.serving.figures import Hit, percentile, since_intended, throughput
from benchmarks.serving.material import Material
from benchmarks.serving.running import ContenderFailed, Cores, Group, group

BATCHES = (1, 100)
#: Times that a request of the comparison is asked when it is refused for want of time or room.
TRIES = 5


@dataclass(frozen=True)
class How:
    """Seconds a point, seconds of warm-up, requests on which all must agree, the generator."""

    seconds: float
    warm: float
    agree: int
    generator: Path


def measured(
    contender: Contender, material: Material, python: Path, cores: Cores, how: How, wanted: list[list[float]]
) -> dict[str, float]:
    """Start it, hold its answers against ``wanted`` (kept there when it is the first), measure it, end it."""
    with group(material.folder, contender.name, cores) as mine:
        begun = time.monotonic()
        url = contender.start(mine, material, python)
        found = {"ready_s": time.monotonic() - begun}
        mine.pin()
        _agree(contender, url, material, how.agree, wanted)
        for size in BATCHES:
            found |= _points(contender, mine, url, material, size, how)
        return found | {"memory_mb": mine.memory_mb()}


def _agree(contender: Contender, url: str, material: Material, count: int, wanted: list[list[float]]) -> None:
    """Ask for the same requests (the last ones of a hundred entities); ContenderFailed where one answer differs."""
    asked = [*material.batches(count - count // 100, 1), *material.batches(count // 100, 100)]
    with httpx.Client(timeout=60) as http, ThreadPoolExecutor(4) as pool:

        def ask(position: int) -> list[float]:
            answer = _asked(http, url, contender.body(asked[position]))
            if answer.status_code != 200:
                raise ContenderFailed(f"{contender.name} answers {answer.status_code}: {answer.text[:500]}")
            return contender.values(answer.json())

        given = list(pool.map(ask, range(len(asked))))
    if not wanted:
        wanted += given
    for entities, ours, theirs in zip(asked, wanted, given, strict=True):
        if ours != theirs:
            raise ContenderFailed(
                f"{contender.name} answers {theirs[:3]} for {entities[:3]}, the first answered {ours[:3]}"
            )


def _asked(http: httpx.Client, url: str, body: Any) -> httpx.Response:
    """Ask, again a few times where it is refused as overloaded: this compares answers, not speed."""
    for _ in range(TRIES):
        answer = http.post(url, json=body)
        if answer.status_code != 503:
            break
    return answer


def _points(contender: Contender, mine: Group, url: str, material: Material, size: int, how: How) -> dict[str, float]:
    bodies = [contender.body(entities) for entities in material.batches(500 if size == 1 else 50, size)]
    given = vegeta.targets(url, bodies, material.folder / f"{contender.name}-{size}.targets")
    core = mine.cores.others
    vegeta.attack(how.generator, given, how.warm, core)
    before = mine.cpu_seconds()
    full = vegeta.attack(how.generator, given, how.seconds, core)
    used = mine.cpu_seconds() - before
    rate = throughput(full)
    half = vegeta.attack(how.generator, given, how.seconds, core, rate=max(rate / 2, 0.5))
    found = {
        "rps": rate,
        "rps_per_core": sum(hit.good for hit in full) / used,
        "failed": float(_failed(full) + _failed(half)),
        **_latencies(half, max(rate / 2, 0.5)),
    }
    return {f"{name}_{size}": value for name, value in found.items()}


def _failed(hits: Sequence[Hit]) -> int:
    return sum(not hit.good for hit in hits)


def _latencies(hits: Sequence[Hit], rate: float) -> dict[str, float]:
    """Milliseconds from when each request was due."""
    took = since_intended(hits, round(rate * 100) / 100)
    return {"p50_ms": percentile(took, 50) * 1000, "p99_ms": percentile(took, 99) * 1000}
