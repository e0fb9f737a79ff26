"""Many HMGETs to the online store in one round trip, over a bounded pool of connections that mend themselves.

redis-py connects, authenticates and parses; only the sending and the reading of a pipeline are ours: its own spends
three times as long on them, most of it in packing each command anew and in a timer an answer.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from groundplan_runtime.config import Runtime

#: Connections of one replica; seconds for a connect, and for a whole read with its wait for a connection.
CONNECTIONS, CONNECT, READ = 16, 0.5, 1.0
Answers = list[list[bytes | None]]


def words(*each: bytes) -> bytes:
    """Return words as Redis' protocol (RESP) spells them, without the count that comes before a command."""
    return b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in each)


def command(key: bytes, head: bytes, fields: bytes) -> bytes:
    """Return one HMGET; ``head`` is from :func:`heading`, ``fields`` from :func:`words`."""
    return b"%b$%d\r\n%b\r\n%b" % (head, len(key), key, fields)


def heading(fields: int) -> bytes:
    """Return how an HMGET of so many fields begins."""
    return b"*%d\r\n$5\r\nHMGET\r\n" % (fields + 2)


class Wire:
    """The connections of one process, for one event loop."""

    def __init__(self, runtime: Runtime, *, connect: float = CONNECT, read: float = READ) -> None:
        # Here, not at the first request: it should not pay for it.
        import redis.asyncio  # noqa: F401

        self._runtime, self._connect, self._read = runtime, connect, read
        self._made: Any = None

    async def ask(self, commands: Sequence[bytes]) -> Answers:
        """Return the answer to each command. ConnectionError when the store does not give them in time."""
        from redis.exceptions import RedisError

        where = self._runtime.endpoint("online_store")
        try:
            async with asyncio.timeout(self._read):
                return await self._twice(commands)
        except TimeoutError:
            raise ConnectionError(f"no answer within {self._read:g} s from {where}") from None
        except RedisError as error:
            raise ConnectionError(f"{type(error).__name__} at {where}: {error}") from error

    async def close(self) -> None:
        """Close every connection."""
        if self._made is not None:
            await self._made.aclose()
            self._made = None

    async def _twice(self, commands: Sequence[bytes]) -> Answers:
        from redis.exceptions import ConnectionError as Closed

        try:
            return await self._once(commands)
        except Closed:  # the store closed the connection meanwhile, or restarted: a new one, once
            return await self._once(commands)

    async def _once(self, commands: Sequence[bytes]) -> Answers:
        connection = await self._pool.get_connection()
        try:
            await connection.send_packed_command([b"".join(commands)], check_health=False)
            return [await connection.read_response(disable_decoding=True) for _ in commands]
        except BaseException:  # answers that nobody read must not meet the next question
            await connection.disconnect(nowait=True)
            raise
        finally:
            await self._pool.release(connection)

    @property
    def _pool(self) -> Any:
        if self._made is None:
            from redis.asyncio import BlockingConnectionPool, Connection, SSLConnection
            from redis.asyncio.retry import Retry
            from redis.backoff import NoBackoff

            host, port = self._runtime.endpoint("online_store").rsplit(":", 1)
            self._made = BlockingConnectionPool(
                connection_class=SSLConnection if self._runtime.tls else Connection,
                host=host,
                port=int(port),
                username=self._user(),
                password=self._runtime.secret("online-store"),
                max_connections=CONNECTIONS,
                timeout=self._read,
                socket_connect_timeout=self._connect,
                retry=Retry(NoBackoff(), 0),
            )
        return self._made

    def _user(self) -> str | None:
        """A run that is kept apart has a user of its own; services are the store's default one."""
        own = self._runtime.secret_file("online-store-user")
        return own.read_text().strip() if own.exists() else None
