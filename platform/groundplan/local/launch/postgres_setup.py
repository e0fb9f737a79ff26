"""Roles and databases, each role with the password of its secret and a database of its own name. Idempotent."""

import os
import subprocess
import sys

from groundplan.local.launch._pg import binaries
from groundplan.local.launch._site import Site, site

ROLES = ("mlflow", "feast", "controlplane", "identity")
#: Role → the owner of the database that it reads.
READERS = {"feast_reader": "feast"}


def main() -> None:
    """Make what is missing, set passwords."""
    here = site()
    statements = ["SET log_min_error_statement TO panic;", "SET log_statement TO none;"]
    statements += [line for role in (*ROLES, *READERS) for line in _role(here, role)]
    statements += [line for role in ROLES for line in _database(role)]
    statements += [line for role, owner in READERS.items() for line in _reader(role, owner)]
    _psql(here, "\n".join(statements))


def _role(here: Site, role: str) -> list[str]:
    """Over standard input: a password in the arguments could be read by others."""
    password = here.runtime.secret(f"database-{role.replace('_', '-')}").replace("'", "''")
    return [
        f"SELECT 'CREATE ROLE {role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}')\\gexec",  # noqa: S608
        f"ALTER ROLE {role} LOGIN NOSUPERUSER PASSWORD '{password}';",
    ]


def _database(role: str) -> list[str]:
    return [
        f"SELECT 'CREATE DATABASE {role} OWNER {role}'",
        f"WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '{role}')\\gexec",
        f"REVOKE ALL ON DATABASE {role} FROM PUBLIC;",
    ]


def _reader(role: str, owner: str) -> list[str]:
    """What is there, and what its owner will make: rights on tables are given inside their database."""
    return [
        f"GRANT CONNECT ON DATABASE {owner} TO {role};",
        f"\\connect {owner}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role};",
        f"ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public GRANT SELECT ON TABLES TO {role};",
        "\\connect postgres",
    ]


def _psql(here: Site, script: str) -> None:
    host, port = here.runtime.endpoint("database").rsplit(":", 1)
    command = [
        str(binaries() / "psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--no-password",
        f"--host={host}", f"--port={port}", "--username=postgres", "--dbname=postgres", "--file=-",
    ]  # fmt: skip
    environment = {**os.environ, "PGPASSFILE": str(here.runtime.secret_file("pgpass"))}
    done = subprocess.run(command, input=script, env=environment, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr.strip()}")


if __name__ == "__main__":
    main()
