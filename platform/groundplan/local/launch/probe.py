"""Health checks that need a password: exit code 0 when the service answers a real question."""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from datetime import UTC, datetime

import httpx

from groundplan.gateway.authority import EARLY, ends
from groundplan.local.launch._gateway import Files
from groundplan.local.launch._pg import binaries
from groundplan_runtime.config import Runtime

ANSWER = 8.0
OK, SERVE_ANSWERS = 200, (200, 503)
#: Never through a proxy: everything is on this machine.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def database(runtime: Runtime) -> bool:
    """Ask PostgreSQL for a row, as its administrator, over TCP."""
    host, port = runtime.endpoint("database").split(":")
    where = ["--host", host, "--port", port, "--username", "postgres", "--dbname", "postgres"]
    command = [str(binaries() / "psql"), "--no-psqlrc", "--no-password", *where, "-tAc", "SELECT 1"]
    environment = {
        **os.environ,
        "PGPASSFILE": str(runtime.secret_file("pgpass")),
        "PGCONNECT_TIMEOUT": str(int(ANSWER)),
    }
    return subprocess.run(command, env=environment, capture_output=True).stdout.strip() == b"1"


def online_store(runtime: Runtime) -> bool:
    """Log in to Valkey and ask for its role: it answers only when its data is loaded."""
    host, port = runtime.endpoint("online_store").split(":")
    with socket.create_connection((host, int(port)), timeout=ANSWER) as connection:
        connection.sendall(_words("AUTH", runtime.secret("online-store")) + _words("ROLE") + _words("QUIT"))
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.startswith(b"+OK") and b"master" in answer


def ray(runtime: Runtime) -> bool:
    """Ask the head, with its token, whether it is well, and Serve's proxy (503: no application yet)."""
    headers = {"Authorization": f"Bearer {runtime.secret('ray-token')}"}
    return (
        _status(f"{runtime.endpoint('ray')}/api/gcs_healthz", headers) == OK
        and _status(f"{runtime.endpoint('serve')}/-/routes", {}) in SERVE_ANSWERS
    )


def gateway(runtime: Runtime) -> bool:
    """Ask Envoy whether it is ready. A certificate that ends soon is no health: a restart renews it."""
    files = Files(runtime)
    soon = datetime.now(UTC) + EARLY
    return bool(files.ask("/ready").strip() == "LIVE") and ends(files.tls / "gateway.pem") > soon


def _status(url: str, headers: dict[str, str]) -> int:
    request = urllib.request.Request(url, headers=headers)  # noqa: S310  (our own endpoint)
    try:
        with DIRECT.open(request, timeout=ANSWER) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def _words(*words: str) -> bytes:
    parts = [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
    return f"*{len(words)}\r\n{''.join(parts)}".encode()


def main() -> int:
    """Probe the service that the first argument names."""
    probes = {"database": database, "online_store": online_store, "ray": ray, "gateway": gateway}
    try:
        return 0 if probes[sys.argv[1]](Runtime.load()) else 1
    except (OSError, httpx.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
