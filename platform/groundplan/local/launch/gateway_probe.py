"""The gateway's health check: exit code 0 when Envoy is ready, with no certificate that ends soon.

As :mod:`groundplan.local.launch.probe`: it runs every few seconds, so it imports neither a client nor cryptography.
"""

import http.client
import json
import socket
import sys
from pathlib import Path
from typing import Any

from groundplan.local.folder import short_folder
from groundplan_runtime.config import Runtime

ANSWER = 8.0
#: Days before its end from which a certificate is made anew: those of :data:`groundplan.gateway.authority.EARLY`.
EARLY = 30


class Administration(http.client.HTTPConnection):
    """Envoy's administration, over its own socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("envoy", timeout=ANSWER)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))

    def ask(self, path: str) -> str:
        """Return an answer's body, whatever its status. OSError or HTTPException when there is none."""
        self.request("GET", path)
        return self.getresponse().read().decode()


def gateway(envoy: Administration) -> bool:
    """Ask Envoy whether it is ready. A certificate that ends soon is no health: a restart renews it."""
    return envoy.ask("/ready").strip() == "LIVE" and all(days >= EARLY for days in days_left(envoy.ask("/certs")))


def days_left(certificates: str) -> list[int]:
    """Return the whole days until the end of each certificate that Envoy shows; none before it listens."""
    shown: list[dict[str, Any]] = json.loads(certificates)["certificates"]
    return [int(link["days_until_expiration"]) for each in shown for link in each["cert_chain"]]


def main() -> int:
    """Probe the gateway of the stack that the environment names."""
    try:
        return 0 if gateway(Administration(short_folder(Runtime.load().stack_id) / "gateway.sock")) else 1
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"{error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main())
