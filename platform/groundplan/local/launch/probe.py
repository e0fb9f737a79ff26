"""Health checks that need a password: exit code 0 when the service beside us answers a real question.

Always on this machine or in this pod: by its name in a cluster a service answers only when it is found well. Standard
library only: it runs every few seconds. The gateway's is :mod:`groundplan.local.launch.gateway_probe`.
"""

import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request

from groundplan.local.health import DIRECT
from groundplan.local.launch._pg import binaries
from groundplan_runtime.config import LOOPBACK, Runtime

ANSWER = 8.0
OK, SERVE_ANSWERS = 200, (200, 503)


def database(runtime: Runtime) -> bool:
    """Ask PostgreSQL for a row, as its administrator, over TCP."""
    where = ["--host", LOOPBACK, "--port", _port(runtime, "database"), "--username", "postgres", "--dbname", "postgres"]
    command = [str(binaries() / "psql"), "--no-psqlrc", "--no-password", *where, "-tAc", "SELECT 1"]
    environment = {
        **os.environ,
        "PGPASSFILE": str(runtime.secret_file("pgpass")),
        "PGCONNECT_TIMEOUT": str(int(ANSWER)),
    }
    return subprocess.run(command, env=environment, capture_output=True).stdout.strip() == b"1"


def online_store(runtime: Runtime) -> bool:
    """Log in to Valkey and ask for its role: it answers only when its data is loaded."""
    with socket.create_connection((LOOPBACK, int(_port(runtime, "online_store"))), timeout=ANSWER) as connection:
        connection.sendall(_words("AUTH", runtime.secret("online-store")) + _words("ROLE") + _words("QUIT"))
        answer = b""
        while chunk := connection.recv(4096):
            answer += chunk
    return answer.startswith(b"+OK") and b"master" in answer


def ray(runtime: Runtime) -> bool:
    """Ask the head, with its token, whether it is well, and Serve's proxy (503: no application yet)."""
    return ray_head(runtime) and _status(_url(runtime, "serve", "/-/routes"), {}) in SERVE_ANSWERS


def ray_head(runtime: Runtime) -> bool:
    """Ask the head, with its token, whether it is well."""
    return _status(_url(runtime, "ray", "/api/gcs_healthz"), _shown(runtime)) == OK


def _port(runtime: Runtime, name: str) -> str:
    return runtime.endpoint(name).rpartition(":")[2]


def _url(runtime: Runtime, name: str, path: str) -> str:
    return f"http://{LOOPBACK}:{_port(runtime, name)}{path}"


def _shown(runtime: Runtime) -> dict[str, str]:
    return {"Authorization": f"Bearer {runtime.secret('ray-token')}"}


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
    probes = {
        "database": database,
        "online_store": online_store,
        "ray": ray,
    }
    try:
        return 0 if probes[sys.argv[1]](Runtime.load()) else 1
    except OSError as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
