"""What the gateway costs a prediction: the same requests to the same application, past it and through it, in turns.

``python -m benchmarks.gateway [--seconds 10] [--rounds 3]`` on a stack that is up; needs a service account that may
predict (``ci`` of ``stacks/local.yaml``). Figures are p50 and p99 at half of what the slower way answers, and requests
a second; what counts are the ratios.
"""

import argparse
import itertools
import os
import ssl
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
from benchmarks.serving import vegeta
from benchmarks.serving.figures import Hit, percentile, since_intended, throughput

from groundplan_runtime.config import Runtime

RUNTIME = Path(".groundplan/local/runtime.json")
APPLICATION, ACCOUNT = "flights/delay", "ci"
BODIES = [
    {"entities": [{"origin": o, "carrier": c}]} for o, c in itertools.product(("JFK", "EWR", "LGA"), ("AA", "UA", "DL"))
]


@dataclass(frozen=True)
class Way:
    """One way to the application: its targets, and whom it trusts."""

    name: str
    targets: Path
    trusts: Path | None = None


def main() -> None:
    """Measure both ways in turns and print a line each, then the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    program, core = vegeta.ensure(), f"0-{(os.cpu_count() or 1) - 1}"
    with tempfile.TemporaryDirectory() as name:
        both = ways(Runtime.load(RUNTIME), Path(name))

        def attack(way: Way, rate: float | None) -> list[Hit]:
            return vegeta.attack(program, way.targets, asked.seconds, core, rate, way.trusts)

        full = {way.name: [throughput(attack(way, None)) for _ in range(asked.rounds)] for way in both}
        rate = min(min(found) for found in full.values()) / 2
        calm: dict[str, list[list[Hit]]] = {way.name: [] for way in both}
        for _, way in itertools.product(range(asked.rounds), both):
            calm[way.name].append(attack(way, rate))
    report(full, calm, rate)


def ways(runtime: Runtime, folder: Path) -> Sequence[Way]:
    """Return both ways: with the deployer's pass, and with a service account's token."""
    route = f"{APPLICATION}/predict/feast/batch"
    gateway, authority = runtime.endpoint("gateway"), runtime.data_dir / "gateway/tls/ca.pem"
    past = {"X-Groundplan-Gateway": runtime.secret("serving-token")}
    through = {"Authorization": f"Bearer {token(runtime, gateway, authority)}"}
    direct = vegeta.targets(f"{runtime.endpoint('serve')}/{route}", BODIES, folder / "direct", past)
    other = vegeta.targets(f"{gateway}/serve/{route}", BODIES, folder / "gateway", through)
    return Way("past the gateway", direct), Way("through the gateway", other, authority)


def token(runtime: Runtime, gateway: str, authority: Path) -> str:
    """Return an access token of the service account, by its client secret (RFC 6749, section 4.4)."""
    login = (ACCOUNT, runtime.secret(f"identity-client-{ACCOUNT}"))
    trusted = ssl.create_default_context(cafile=str(authority))
    answer = httpx.post(
        f"{gateway}/identity/token", data={"grant_type": "client_credentials"}, auth=login, verify=trusted
    )
    return str(answer.raise_for_status().json()["access_token"])


def report(full: dict[str, list[float]], calm: dict[str, list[list[Hit]]], rate: float) -> None:
    """Print the medians of the rounds, and what the gateway makes of them."""
    rows = {}
    for name, rounds in calm.items():
        if any(not hit.good for hits in rounds for hit in hits):
            raise SystemExit(f"{name}: not every request was answered with 200; fix: groundplan status")
        took = [[each * 1000 for each in since_intended(hits, rate)] for hits in rounds]
        p50, p99 = (statistics.median(percentile(each, share) for each in took) for share in (50, 99))
        rows[name] = (p50, p99, statistics.median(full[name]))
        print(f"{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms at {rate:.0f}/s; at most {rows[name][2]:.0f} requests/s")
    (a50, a99, most), (b50, b99, most_through) = rows.values()
    print(f"through / past: p50 × {b50 / a50:.2f} (+{b50 - a50:.2f} ms), p99 × {b99 / a99:.2f}, "
          f"requests/s × {most_through / most:.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
