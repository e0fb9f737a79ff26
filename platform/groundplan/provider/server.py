"""The plugin's process: a server on loopback whose port the engine reads from standard output."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from groundplan.provider.engine import EngineLog
from groundplan.provider.handler import Handler
from groundplan.provider.servicer import Servicer

#: One thread a call; the engine makes at most this many at once unless told otherwise.
PARALLEL = 64
#: Seconds for calls that still run at the end; the engine kills us after five.
GRACE = 3
LARGEST = 400 * 1024 * 1024
OPTIONS = [("grpc.max_receive_message_length", LARGEST), ("grpc.max_send_message_length", LARGEST)]


class Cancellable(Protocol):
    """What every servicer of ours can do: let the calls that wait stop waiting."""

    def cancel(self) -> None:
        """Let every call that waits stop waiting."""


def serve(handlers: Iterable[Handler], arguments: Sequence[str]) -> None:
    """Serve handlers; see :func:`host`."""
    host(lambda log: Servicer(handlers, log), arguments)


def host(make: Callable[[EngineLog], Any], arguments: Sequence[str]) -> None:
    """Serve until the engine ends us, or is itself gone. The first bare argument is the engine's address.

    ``make`` returns the servicer (a ``ResourceProviderServicer`` that is :class:`Cancellable`) for the engine's log.
    """
    address = next((word for word in arguments if not word.startswith("-")), "")
    server = grpc.server(ThreadPoolExecutor(PARALLEL), options=OPTIONS)
    servicer = make(EngineLog(address))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    _wait_for_the_end(server, servicer)


def _wait_for_the_end(server: grpc.Server, servicer: Cancellable) -> None:
    """The engine ends its plugins with SIGINT; from a terminal it may be the user's Ctrl-C: waiting calls end first."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    servicer.cancel()
    server.stop(GRACE).wait()
    # Not `sys.exit`: that would wait for threads whose calls nobody is waiting for.
    os._exit(0)


def _leave_with(engine: int) -> None:
    """End when the engine was killed: nobody hears our answers any more."""
    while os.getppid() == engine:
        time.sleep(1)
    os._exit(0)
