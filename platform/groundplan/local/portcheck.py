"""Is a port free, or held by our own running service? Said at preview, before anything is started."""

import errno
import socket
from collections.abc import Mapping
from pathlib import Path

from groundplan.errors import ServiceError
from groundplan.local.processes import holders
from groundplan.provider.handler import Failure

FIX = "fix: another `local.port_base`, or `local.ports: {{{name}: …}}`, in stacks/"


def is_free(port: int) -> bool:
    """Whether a service could listen at ``127.0.0.1:port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
            probe.listen(1)
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
        return True


def taken(root: Path, ports: Mapping[str, int]) -> list[Failure]:
    """Return one failure for each port that somebody else holds. A service of this very folder is no failure."""
    busy = {name: port for name, port in ports.items() if not is_free(port)}
    who = holders(set(busy.values())) if busy else {}
    return [
        Failure(
            f"ports.{name}",
            f"port {port} is taken by {who[port]}; {FIX.format(name=name)}",
        )
        for name, port in busy.items()
        if who[port].folder != str(root)
    ]


def require_free(service: str, root: Path, ports: Mapping[str, int]) -> None:
    """Raise :class:`ServiceError` with one line a port that somebody else holds."""
    failures = taken(root, ports)
    if failures:
        raise ServiceError("\n".join(f"{service}: {failure.reason}" for failure in failures))
