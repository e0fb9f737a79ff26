"""The online store's rows of one view of one project, told apart exactly.

Feast's own deletion takes every key that *ends* in the project's name: with a view of ``flights`` go the rows of the
same view of ``my_flights``. A key is the entity's (join keys, then each value with its length), then the project.
"""

import re
import struct
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from groundplan_runtime.config import Runtime

#: Keys looked at in one round trip.
BATCH = 500
#: Bytes before each value in a key: its type and its length.
HEAD = 8


class OnlineRows:
    """Looks at and deletes online rows, as Feast's Redis store lays them out (key serialization version 3)."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def any(self, project: str, view: str, join_keys: Sequence[str]) -> bool:
        """Whether there is a row of the view."""
        with self._connect() as client:
            return any(_fields(client, keys, view) for keys in _batches(client, project, join_keys))

    def drop(self, project: str, view: str, join_keys: Sequence[str], features: Sequence[str]) -> None:
        """Delete the view's rows; what other views keep under the same entity stays."""
        from feast.infra.online_stores.helpers import _mmh3

        own = [_mark(view), *(_mmh3(f"{view}:{feature}") for feature in features)]
        with self._connect() as client:
            for keys in _batches(client, project, join_keys):
                _delete(client, _fields(client, keys, view), own)

    def _connect(self) -> Any:
        import redis

        host, port = self._runtime.endpoint("online_store").rsplit(":", 1)
        password = self._runtime.secret("online-store")
        limits = {"socket_connect_timeout": 2, "socket_timeout": 5}
        return redis.Redis(host, int(port), password=password, ssl=self._runtime.tls, **limits)


def _batches(client: Any, project: str, join_keys: Sequence[str]) -> Iterator[list[bytes]]:
    from feast.infra.online_stores.helpers import _redis_key_prefix

    prefix, suffix = _redis_key_prefix(list(join_keys)), project.encode()
    literal = re.sub(rb"([*?\[\]\\])", rb"\\\1", prefix)  # a length byte may look like a wildcard
    scanned = client.scan_iter(match=literal + b"*" + suffix, count=BATCH)
    ours = (key for key in scanned if _rest(key, len(prefix), len(join_keys)) == suffix)
    while batch := list(islice(ours, BATCH)):
        yield batch


def _rest(key: bytes, at: int, values: int) -> bytes | None:
    """Return what follows the entity's values: the project. None when the key is not laid out so."""
    for _ in range(values):
        if len(key) < at + HEAD:
            return None
        at += HEAD + int(struct.unpack_from("<I", key, at + 4)[0])
    return key[at:]


def _fields(client: Any, keys: Sequence[bytes], view: str) -> dict[bytes, list[bytes]]:
    """Return the fields of those keys that hold a row of the view."""
    with client.pipeline(transaction=False) as pipe:
        for key in keys:
            pipe.hkeys(key)
        found = dict(zip(keys, pipe.execute(), strict=True))
    return {key: fields for key, fields in found.items() if _mark(view) in fields}


def _delete(client: Any, rows: dict[bytes, list[bytes]], own: Sequence[bytes]) -> None:
    with client.pipeline(transaction=False) as pipe:
        for key, fields in rows.items():
            shared = any(field.startswith(b"_ts:") and field != own[0] for field in fields)
            pipe.hdel(key, *own) if shared else pipe.delete(key)
        pipe.execute()


def _mark(view: str) -> bytes:
    return f"_ts:{view}".encode()
