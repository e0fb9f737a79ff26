"""The load generator: Vegeta, built once from the Go module proxy into the cache. Open loop at a constant rate, or as
fast as a number of connections go."""

import base64
import csv
import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.serving.figures import Hit

from groundplan.tools.cache import cache_root, locked
from groundplan.tools.golang import ensure_go
from groundplan.tools.run import run

VERSION = "12.12.0"
MODULE = "github.com/tsenart/vegeta/v12"
#: Connections that ask as fast as they are answered, to find the most that a server answers.
CONNECTIONS = 32


def ensure() -> Path:
    """Return the program, got if need be."""
    entry = cache_root() / "vegeta" / VERSION
    program = entry / "vegeta"
    with locked(entry, f"Vegeta {VERSION}"):
        if not program.exists():
            _build(entry, program)
    return program


def _build(entry: Path, program: Path) -> None:
    entry.mkdir(parents=True, exist_ok=True)
    go, log = ensure_go(), entry / "build.log"
    with tempfile.TemporaryDirectory(dir=entry) as name:
        scratch = Path(name)
        env = go.environment(scratch)
        run([str(go.program), "mod", "init", "throwaway"], scratch, env, log)
        run([str(go.program), "get", f"{MODULE}@v{VERSION}"], scratch, env, log)
        run([str(go.program), "build", "-o", "vegeta", MODULE], scratch, env, log)
        shutil.move(scratch / "vegeta", program)


def targets(url: str, bodies: Sequence[Any], path: Path, shown: Mapping[str, str] | None = None) -> Path:
    """Write requests, a line each, which are sent in turn, with the headers ``shown``."""
    header = {"Content-Type": ["application/json"], **{name: [value] for name, value in (shown or {}).items()}}
    lines = [
        json.dumps({"method": "POST", "url": url, "header": header, "body": base64.b64encode(_json(body)).decode()})
        for body in bodies
    ]
    path.write_text("\n".join(lines))
    return path


def _json(body: Any) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def attack(
    program: Path, given: Path, seconds: float, core: str, rate: float | None = None, trusts: Path | None = None
) -> list[Hit]:
    """Send requests for some seconds from the CPUs ``core`` (as taskset names them), and return what became of each.

    With ``rate``: that many a second, whatever is answered. Without: :data:`CONNECTIONS` as fast as they are answered.
    ``trusts``: the certificate of the authority of a server that speaks TLS.
    """
    limits = [f"-workers={CONNECTIONS}", f"-max-workers={CONNECTIONS}", "-rate=0"]
    if rate is not None:
        limits = [f"-rate={round(rate * 100)}/100s", "-connections=1000", "-workers=64"]
    if trusts is not None:
        limits.append(f"-root-certs={trusts}")
    found = given.with_suffix(".found")
    command = ["taskset", "-c", core, str(program), "attack", "-format=json", f"-targets={given}", *limits]
    command += [f"-duration={seconds}s", "-timeout=30s", "-max-body=0", "-redirects=-1", f"-output={found}"]
    subprocess.run(command, check=True)
    rows = subprocess.run([str(program), "encode", "-to=csv", str(found)], check=True, capture_output=True, text=True)
    return hits(rows.stdout)


def hits(text: str) -> list[Hit]:
    """Read Vegeta's CSV: timestamp and latency in nanoseconds, code, …, sequence number."""
    rows = [(int(row[8]), int(row[0]), int(row[1]), int(row[2])) for row in csv.reader(text.splitlines())]
    first = min((at for _, at, _, _ in rows), default=0)
    return [Hit(number, (at - first) / 1e9, took / 1e9, code == 200) for number, at, code, took in sorted(rows)]
