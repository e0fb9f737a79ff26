"""Users of the online store that only read: a run's own, of its project, while it lasts; and Feast's server's."""

import contextlib
import secrets
from collections.abc import Iterator
from typing import Any

from groundplan_runtime.config import Runtime

PASSWORD, USER = "online-store", "online-store-user"
#: Whom Feast's server is, here and at the database of its registry.
READER = "feast_reader"
#: What a reader of features sends; and what its client does when it connects.
COMMANDS = ("+hmget", "+auth", "+hello", "+ping", "+select", "+client|setinfo")


@contextlib.contextmanager
def online_user(runtime: Runtime, project: str, run: str) -> Iterator[dict[str, str]]:
    """Yield the two secrets of a new user that may read the keys of a project; it and its connections go afterwards.

    It is in the server's memory only: one that was left behind goes with the server's next start. Feast ends a key
    with its project's name, and so does the pattern: a project whose name ends like this one is read, too.
    """
    password = secrets.token_urlsafe(24)
    with _client(runtime) as client:
        client.execute_command("ACL", "SETUSER", run, *reading(password, project))
        try:
            yield {USER: run, PASSWORD: password}
        finally:
            with contextlib.suppress(_unreachable()):  # it took the user with it
                client.execute_command("ACL", "DELUSER", run)


def reading(password: str, project: str = "") -> tuple[str, ...]:
    """Return the rules of a user that may read the keys of a project, or of all, and do nothing else."""
    return ("reset", "on", f">{password}", f"%R~*{project}", "-@all", *COMMANDS)


@contextlib.contextmanager
def _client(runtime: Runtime) -> Iterator[Any]:
    import redis

    host, port = runtime.endpoint("online_store").rsplit(":", 1)
    password = runtime.secret(PASSWORD)
    with redis.Redis(host, int(port), password=password, ssl=runtime.tls, socket_timeout=5) as client:
        yield client


def _unreachable() -> type[Exception]:
    from redis.exceptions import ConnectionError as Unreachable

    return Unreachable
