"""Envoy as the platform's one door. What it lets pass is declared by ``gateway_setup``, which it then watches."""

import os

from groundplan.gateway.documents import bootstrap
from groundplan.local.launch._gateway import Files
from groundplan.local.launch._site import become, package, site, write_private

#: Threads: a gateway on one machine shares it with what it leads to.
MOST_WORKERS = 4


def main() -> None:
    """Start it; argument: ``gateway_admin=<port>``. Until it is told more, it listens nowhere but there."""
    here = site()
    files = Files(here.runtime)
    files.prepare()
    files.socket.unlink(missing_ok=True)
    text = bootstrap(here.ports["gateway_admin"], str(files.xds), str(files.socket))
    start = write_private(files.xds.parent / "bootstrap.json", text)
    workers = min(os.cpu_count() or 1, MOST_WORKERS)
    options = ["--disable-hot-restart", "--concurrency", str(workers), "--drain-time-s", "5", "--log-level", "warning"]
    become([package("envoy") / "_bin" / "envoy", "-c", start, *options])


if __name__ == "__main__":
    main()
