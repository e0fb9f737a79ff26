"""PostgreSQL with SCRAM: makes its cluster the first time, then becomes ``postgres``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from groundplan.local.launch._pg import as_somebody, binaries
from groundplan.local.launch._site import Site, become, folder, site, write_private

SETTINGS = {
    "unix_socket_directories": "",
    "fsync": "on",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


def main() -> None:
    """Start the database of the stack that ``GROUNDPLAN_RUNTIME`` names; argument: ``database=<port>``."""
    here = site()
    home = folder(here.data_dir / "database")
    cluster = home / "pg"
    if not (cluster / "PG_VERSION").exists():
        _make(here, cluster)
    _forget_dead(cluster)
    if not here.alone:
        _open(here, cluster)
    settings = {**SETTINGS, "listen_addresses": here.bind, "port": str(here.ports["database"])}
    words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    become([*as_somebody(), binaries() / "postgres", "-D", cluster, *words], {"LC_ALL": "C.UTF-8", "HOME": str(home)})


def _make(here: Site, cluster: Path) -> None:
    """Whole or not at all: a half-made cluster is thrown away and made again."""
    new = cluster.with_name("pg.new")
    shutil.rmtree(new, ignore_errors=True)
    password = here.runtime.secret_file("database-admin")
    command = [
        *as_somebody(), str(binaries() / "initdb"), "-D", str(new), "-U", "postgres",
        "-E", "UTF8", "--locale=C.UTF-8", "-A", "scram-sha-256", f"--pwfile={password}",
    ]  # fmt: skip
    done = subprocess.run(
        command, env={**os.environ, "LC_ALL": "C.UTF-8"}, capture_output=True, text=True, cwd=cluster.parent
    )
    if done.returncode:
        sys.exit(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")
    new.rename(cluster)


def _open(here: Site, cluster: Path) -> None:
    """In a pod: others may connect with their passwords, and ours is the one of the secret, also of a new one."""
    cluster.chmod(0o700)
    write_private(cluster / "pg_hba.conf", "host all all all scram-sha-256\n")
    password = here.runtime.secret("database-admin").replace("'", "''")
    statement = f"ALTER ROLE postgres PASSWORD '{password}';\n"
    command = [*as_somebody(), str(binaries() / "postgres"), "--single", "-D", str(cluster), "postgres"]
    done = subprocess.run(command, input=statement, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"the administrator's password is not taken: {done.stderr.strip().splitlines()[-1:]}")


def _forget_dead(cluster: Path) -> None:
    """After a reboot another program may have the number in postmaster.pid, and PostgreSQL would refuse to start."""
    file = cluster / "postmaster.pid"
    try:
        pid = int(file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        words = []
    if str(cluster).encode() not in words:
        file.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
