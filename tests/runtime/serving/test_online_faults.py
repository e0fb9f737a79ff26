"""The reader's connections when the store is down, stalls, restarts, or has too many asking: a Valkey of its own."""

import asyncio
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis

from groundplan.local.launch.valkey import _server
from groundplan_runtime import online_layout as layout
from groundplan_runtime.config import Runtime
from groundplan_runtime.online import OnlineReader
from groundplan_runtime.online_wire import CONNECTIONS, READ
from tests.runtime.serving.test_online_reader import features_of

FEATURES = features_of({"weather": ["origin"]})
PASSWORD = "secret"


@dataclass
class Store:
    """A Valkey that can be killed and started again at the same port."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def client(self) -> Any:
        """A client of the tests' own."""
        return redis.Redis(port=self.port, password=PASSWORD)

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [_server(), "--port", str(self.port), "--bind", "127.0.0.1", "--requirepass", PASSWORD, "--save", ""]
        self.process = subprocess.Popen([*map(str, command), "--dir", str(self.folder)], stdout=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                assert self.client.ping()
                return
            except redis.ConnectionError:
                time.sleep(0.02)
        raise AssertionError("Valkey did not start")

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)
            self.process = None

    def signal(self, number: int) -> None:
        """Stop or continue it."""
        assert self.process is not None
        os.kill(self.process.pid, number)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        made = Store(int(probe.getsockname()[1]), tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.kill()


@pytest.fixture
def runtime(store: Store, tmp_path: Path) -> Runtime:
    (tmp_path / "online-store").write_text(PASSWORD)
    return Runtime("t", "x", tmp_path, "b", tmp_path, {"online_store": f"127.0.0.1:{store.port}"})


async def once(reader: OnlineReader, origin: str = "JFK") -> float:
    """Read one entity nobody knows; return the seconds it took."""
    start = time.monotonic()
    block = await reader.read(FEATURES, [{"origin": origin}])
    assert block.rows == 1
    return time.monotonic() - start


async def refused(reader: OnlineReader, why: str) -> None:
    """The read fails as it should, within the time it has (and some for a busy machine)."""
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=why):
        await once(reader)
    assert time.monotonic() - start < READ + 1


def test_a_restart_and_a_closed_connection_are_not_noticed(store: Store, runtime: Runtime) -> None:
    async def run() -> None:
        reader = OnlineReader(runtime, "p")
        await asyncio.gather(*(once(reader) for _ in range(5)))
        store.kill()
        store.start()
        await asyncio.gather(*(once(reader) for _ in range(5)))
        store.client.client_kill_filter(_type="normal", skipme=True)
        await once(reader)
        await reader.close()

    asyncio.run(run())


def test_a_store_that_is_down_is_an_error_at_once_and_comes_back(store: Store, runtime: Runtime) -> None:
    async def run() -> None:
        reader = OnlineReader(runtime, "p")
        await once(reader)
        store.kill()
        for _ in range(CONNECTIONS + 5):  # no connection is lost with a failure
            await refused(reader, f"127.0.0.1:{store.port}")
        store.start()
        await once(reader)
        await reader.close()

    asyncio.run(run())


def test_a_store_that_stalls_is_an_error_within_a_second_and_its_late_answers_are_nobodys(
    store: Store, runtime: Runtime
) -> None:
    async def run() -> None:
        reader = OnlineReader(runtime, "p")
        await once(reader)
        store.signal(signal.SIGSTOP)
        try:
            await asyncio.gather(*(refused(reader, "no answer within 1 s") for _ in range(CONNECTIONS + 5)))
        finally:
            store.signal(signal.SIGCONT)
        await asyncio.gather(*(once(reader) for _ in range(CONNECTIONS + 5)))
        await reader.close()

    asyncio.run(run())


def test_a_read_that_is_given_up_leaves_no_answer_to_the_next(store: Store, runtime: Runtime) -> None:
    key = layout.key_encoder((("origin", "string"),), b"p")
    field = layout.hash_fields("weather", ["s"])[0]
    for origin in ("A", "B"):
        store.client.hset(key((origin,)), field, b"\x12\x01" + origin.encode())

    async def run() -> None:
        reader = OnlineReader(runtime, "p")
        await once(reader)
        store.signal(signal.SIGSTOP)
        given_up = asyncio.ensure_future(reader.read(FEATURES, [{"origin": "A"}]))
        await asyncio.sleep(0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(given_up, 0.2)
        store.signal(signal.SIGCONT)
        blocks = [await reader.read(FEATURES, [{"origin": origin}]) for origin in "BABA"]
        assert [block.texts["weather__s"] for block in blocks] == [["B"], ["A"], ["B"], ["A"]]
        await reader.close()

    asyncio.run(run())


def test_an_error_among_many_answers_spoils_no_other_read(store: Store, runtime: Runtime) -> None:
    store.client.set(layout.key_encoder((("origin", "string"),), b"p")(("BAD",)), "no hash")

    async def run() -> None:
        reader = OnlineReader(runtime, "p")
        with pytest.raises(ConnectionError, match="WRONGTYPE"):
            await reader.read(FEATURES, [{"origin": "BAD"}, {"origin": "A"}, {"origin": "B"}])
        await once(reader)
        await reader.close()

    asyncio.run(run())


def test_connections_are_bounded(store: Store, runtime: Runtime) -> None:
    async def run() -> int:
        reader = OnlineReader(runtime, "p")
        await asyncio.gather(*(once(reader, str(n)) for n in range(4 * CONNECTIONS)))
        found = len([each for each in store.client.client_list() if each["db"] == "0"])
        await reader.close()
        return found

    assert asyncio.run(run()) <= CONNECTIONS + 1  # the one that asks


def test_a_wrong_password_is_said(store: Store, runtime: Runtime) -> None:
    (runtime.secrets_dir / "online-store").write_text("other")
    asyncio.run(refused(OnlineReader(runtime, "p"), "AuthenticationError"))
