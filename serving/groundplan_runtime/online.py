"""Features as they are known now, read from the online store without Feast: one round trip, arrays out.

The layout is Feast 0.67's for Redis (``feast.infra.online_stores.redis``): a hash an entity, whose key is the entity
(join keys and values, key serialization version 3) and the project, with a field a feature (murmur3 of
``<view>:<feature>``) holding Feast's ``Value`` message, and ``_ts:<view>`` holding a ``Timestamp``. Importing Feast
would cost each replica seconds and 200 MB; the tests hold this reader against it.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from groundplan_runtime.block import Block
from groundplan_runtime.config import Runtime

STRING, INT64 = 2, 4
TEXT = "string"
#: Connections of one replica, seconds to wait for one, for a connect and for an answer.
CONNECTIONS, PATIENCE, CONNECT, ANSWER = 16, 1.0, 1.0, 2.0
_double = struct.Struct("<d").unpack_from
_float = struct.Struct("<f").unpack_from


@dataclass(frozen=True)
class _View:
    """A view as it is asked for: the type of each join key in the order in which keys are written, its hash fields."""

    name: str
    keys: tuple[tuple[str, str], ...]
    fields: tuple[str, ...]
    hashed: tuple[bytes, ...]


class OnlineReader:
    """Reads a project's features. For one event loop; reconnects by itself."""

    def __init__(self, runtime: Runtime, project: str) -> None:
        # Here, not at the first request: it should not pay for them.
        import mmh3  # noqa: F401
        import numpy  # noqa: F401
        import redis.asyncio  # noqa: F401

        self._runtime, self._project = runtime, project.encode()
        self._made: Any = None

    async def read(self, features: Mapping[str, Any], entities: Sequence[Mapping[str, Any]]) -> Block:
        """Return the features of ``entities``, a row each, with their join keys. ConnectionError when it cannot.

        ``features`` is ``{"views": {view: {"join_keys": {name: type}, "fields": {field: type}}}, "entities": {…}}``.
        """
        views = [_view(name, given) for name, given in features["views"].items()]
        wanted = [self._distinct(view, entities) for view in views]
        found = iter(
            await self._ask([(key, view) for view, (keys, _) in zip(views, wanted, strict=True) for key in keys])
        )
        columns = _Columns(len(entities))
        for entity in features["entities"].values():
            key = entity["join_key"]
            columns.add(key, entity["type"], [each[key] for each in entities])
        for view, (keys, rows) in zip(views, wanted, strict=True):
            answers = [next(found) for _ in keys]
            columns.add_view(view, features["views"][view.name]["fields"], answers, rows)
        return columns.block()

    async def close(self) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    def _distinct(self, view: _View, entities: Sequence[Mapping[str, Any]]) -> tuple[list[bytes], list[int]]:
        """Return the keys to ask for, each once, and for each entity the position of its key."""
        positions: dict[bytes, int] = {}
        rows = [positions.setdefault(self._key(view, each), len(positions)) for each in entities]
        return list(positions), rows

    def _key(self, view: _View, entity: Mapping[str, Any]) -> bytes:
        return entity_key(view.keys, tuple(entity[name] for name, _ in view.keys)) + self._project

    async def _ask(self, wanted: Sequence[tuple[bytes, _View]]) -> list[list[bytes | None]]:
        from redis.exceptions import RedisError

        try:
            async with self._client.pipeline(transaction=False) as pipe:
                for key, view in wanted:
                    pipe.hmget(key, view.hashed)
                found: list[list[bytes | None]] = await pipe.execute()
                return found
        except RedisError as error:
            where = self._runtime.endpoint("online_store")
            raise ConnectionError(f"{type(error).__name__} at {where}: {error}") from error

    @property
    def _client(self) -> Any:
        if self._made is None:
            from redis.asyncio import BlockingConnectionPool, Redis
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            host, port = self._runtime.endpoint("online_store").rsplit(":", 1)
            pool = BlockingConnectionPool(
                host=host,
                port=int(port),
                password=self._runtime.secret("online-store"),
                max_connections=CONNECTIONS,
                timeout=PATIENCE,
                socket_connect_timeout=CONNECT,
                socket_timeout=ANSWER,
                retry=Retry(NoBackoff(), 1),  # once: a connection that the store closed meanwhile
            )
            self._made = Redis(connection_pool=pool)
        return self._made


class _Columns:
    """Columns of a block while they are gathered."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._numbers: dict[str, Any] = {}
        self._texts: dict[str, list[str | None]] = {}
        self._times: dict[str, Any] = {}

    def add(self, name: str, kind: str, values: Sequence[Any]) -> None:
        """Add a column of a YAML type."""
        if kind == TEXT:
            self._texts[name] = list(values)
        else:
            self._numbers[name] = _floats(values)

    def add_view(self, view: _View, types: Mapping[str, str], answers: Sequence[Sequence[Any]], rows: Any) -> None:
        """Add a view's columns: ``answers`` by key, each with a value a field and the time; ``rows`` place them."""
        for index, field in enumerate(view.fields):
            values = [_value(answer[index]) for answer in answers]
            name = f"{view.name}__{field}"
            if types[field] == TEXT:
                self._texts[name] = [values[row] for row in rows]
            else:
                self._numbers[name] = _floats(values)[rows]
        self._times[view.name] = _floats([_time(answer[-1]) for answer in answers])[rows]

    def block(self) -> Block:
        """Return them as a block."""
        import numpy as np

        columns = list(self._numbers.values())
        numbers = np.column_stack(columns) if columns else np.empty((self._rows, 0))
        return Block(self._rows, tuple(self._numbers), numbers, self._texts, self._times)


def _floats(values: Sequence[Any]) -> Any:
    import numpy as np

    return np.array([np.nan if value is None else value for value in values], dtype="float64")


def _view(name: str, given: Mapping[str, Any]) -> _View:
    return _asked(name, tuple(sorted(given["join_keys"].items())), tuple(given["fields"]))


@lru_cache(maxsize=1024)
def _asked(name: str, keys: tuple[tuple[str, str], ...], fields: tuple[str, ...]) -> _View:
    import mmh3

    hashed = [struct.pack("<I", mmh3.hash(f"{name}:{field}", signed=False)) for field in fields]
    return _View(name, keys, fields, (*hashed, f"_ts:{name}".encode()))


@lru_cache(maxsize=100_000)
def entity_key(keys: tuple[tuple[str, str], ...], values: tuple[Any, ...]) -> bytes:
    """Return Feast's key of an entity (version 3): ``keys`` are its join keys and their types, sorted."""
    parts = [struct.pack("<I", len(keys))]
    for name, _ in keys:
        text = name.encode()
        parts += [struct.pack("<II", STRING, len(text)), text]
    for (_, kind), value in zip(keys, values, strict=True):
        raw = str(value).encode() if kind == TEXT else struct.pack("<q", value)
        parts += [struct.pack("<II", STRING if kind == TEXT else INT64, len(raw)), raw]
    return b"".join(parts)


def _value(raw: bytes | None) -> Any:
    """Return what Feast's ``Value`` message holds (one field, by its tag byte), None for nothing."""
    if not raw:
        return None
    tag = raw[0]
    if tag == 0x29:
        return _double(raw, 1)[0]
    if tag in (0x20, 0x40, 0x18):  # int64, unix timestamp, int32
        return _signed(_varint(raw, 1)[0])
    if tag == 0x38:
        return bool(raw[1])
    if tag == 0x12:
        length, at = _varint(raw, 1)
        return raw[at : at + length].decode()
    if tag == 0x35:
        return _float(raw, 1)[0]
    return None  # null, or nothing that a YAML type makes


def _time(raw: bytes | None) -> float | None:
    """Return a ``Timestamp`` message in unix seconds; None where the view knows nothing."""
    if raw is None:
        return None
    seconds, nanos, at = 0, 0, 0
    while at < len(raw):
        tag, (number, after) = raw[at], _varint(raw, at + 1)
        seconds, nanos = (_signed(number), nanos) if tag == 0x08 else (seconds, number)
        at = after
    return seconds + nanos / 1e9


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return the number at a position, and where it ends (protobuf's base-128)."""
    number = shift = 0
    while True:
        byte = raw[at]
        number |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return number, at
        shift += 7


def _signed(number: int) -> int:
    return number - (1 << 64) if number >> 63 else number
