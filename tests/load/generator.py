"""A constant load on one URL: so many requests under way at any moment, each kept with what it was answered."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

import httpx

from tests.load.answers import Answer, answer_of

#: Seconds for a thing that the test waits for.
DEADLINE = 120.0


class Load:
    """Runs in a thread of its own from ``__enter__`` to ``__exit__``; ``answers`` grows as they end."""

    def __init__(
        self, url: str, headers: dict[str, str], workers: int, shops: Sequence[str] = ("asked_1", "asked_2")
    ) -> None:
        self.answers: list[Answer] = []
        self._url, self._headers, self._workers = url, headers, workers
        self._body = {"entities": [{"shop": shop} for shop in shops]}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join(timeout=DEADLINE)
        assert not self._thread.is_alive(), "a request is still under way"

    def further(self, count: int) -> tuple[float, float]:
        """Wait for so many more answers; return when the wait began and ended (unix seconds)."""
        start, wanted = time.time(), len(self.answers) + count
        until(lambda: len(self.answers) >= wanted, f"{count} further answers", patience=10 * DEADLINE)
        return start, time.time()

    def until_version(self, version: int) -> None:
        """Wait until the last answers are whole ones of a version."""
        until(lambda: all(a.halves == {(version, version)} for a in self.answers[-20:]), f"version {version} answers")

    async def _run(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        options = {"trust_env": False, "timeout": DEADLINE / 2, "limits": limits, "headers": self._headers}
        async with httpx.AsyncClient(**options) as client:
            await asyncio.gather(*(self._work(client) for _ in range(self._workers)))

    async def _work(self, client: httpx.AsyncClient) -> None:
        while not self._stopped.is_set():
            self.answers.append(await self._ask(client))

    async def _ask(self, client: httpx.AsyncClient) -> Answer:
        sent = time.time()
        try:
            answer = await client.post(self._url, json=self._body)
        except httpx.TransportError as error:
            return Answer(sent, time.time(), 0, error=f"{type(error).__name__}: {error}")
        body = answer.json() if answer.status_code == 200 else answer.text
        return answer_of(sent, time.time(), answer.status_code, body)


def until(check: Callable[[], object], what: str, patience: float = DEADLINE) -> None:
    """Poll until ``check()`` is true; fail after ``patience`` seconds."""
    end = time.monotonic() + patience
    for _ in itertools.count():
        if check():
            return
        assert time.monotonic() < end, f"not within {patience:g} s: {what}"
        time.sleep(0.05)
