"""Envoy in a pod: all that it lets pass is known before it starts; other settings are another pod.

``python -m groundplan.local.launch.gateway_pod <settings.json> <folder of tls.crt and tls.key> gateway_admin=<port>``.
"""

import sys
from pathlib import Path

from groundplan.errors import ServiceError
from groundplan.gateway import Tokens, documents
from groundplan.gateway.documents import bootstrap
from groundplan.local.launch._gateway import settings_of
from groundplan.local.launch._site import become, folder, package, write_private
from groundplan_runtime.config import Runtime


def main() -> None:
    """Write the configuration whole, then become Envoy; one line when an issuer elsewhere is not to be had."""
    declared, tls, admin = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3].partition("=")[2])
    runtime = Runtime.load()
    home = folder(runtime.data_dir / "gateway")
    xds = folder(home / "xds")
    try:
        settings = settings_of(Path(declared).read_text())
    except ServiceError as error:
        sys.exit(str(error))
    tokens = Tokens.of(runtime.secret)
    pair = (tls / "tls.crt").read_text(), (tls / "tls.key").read_text()
    for name, text in documents(settings, tokens, str(xds), *pair).items():
        write_private(xds / name, text)
    start = write_private(home / "bootstrap.json", bootstrap(admin, str(xds), str(home / "admin.sock"), runtime.bind))
    options = ["--disable-hot-restart", "--concurrency", "2", "--drain-time-s", "5", "--log-level", "warning"]
    become([package("envoy") / "_bin" / "envoy", "-c", start, *options])


if __name__ == "__main__":
    main()
