"""The plugin's entry: starts the bridge, prints a port, serves until the engine ends it."""

import subprocess
import sys
import tempfile
import threading
from concurrent import futures
from pathlib import Path
from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.support.aws.bridge import ensure_bridge, find_provider
from tests.support.aws.judge import LARGE, START_SECONDS
from tests.support.aws.types import TYPES
from tests.support.awsprovider.servicer import Bridged

#: Reads until the other end is closed, which the kernel does whatever we die of.
WATCH = "import os, signal, sys; sys.stdin.buffer.read(); os.killpg(int(sys.argv[1]), signal.SIGKILL)"


def main() -> None:
    """Serve until the engine closes us."""
    provider = find_provider()
    if provider is None:
        sys.exit("no terraform-provider-aws on this machine")
    engine = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:1"
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "terraform-provider-aws"
        named.symlink_to(provider)
        process = subprocess.Popen(
            [str(ensure_bridge()), engine], stdout=subprocess.PIPE, stderr=sys.stderr, start_new_session=True
        )
        with _ended_with_us(process.pid):
            _serve(_bridge(process, named))


def _ended_with_us(group: int) -> "subprocess.Popen[bytes]":
    """Start who ends the bridge, and the provider that it has started, when we end: the engine may kill us any time."""
    command = [sys.executable, "-c", WATCH, str(group)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True)


def _bridge(process: "subprocess.Popen[bytes]", provider: Path) -> Any:
    assert process.stdout is not None
    port = process.stdout.readline().decode().strip()
    threading.Thread(target=process.stdout.read, daemon=True).start()
    stub = provider_pb2_grpc.ResourceProviderStub(grpc.insecure_channel(f"127.0.0.1:{port}", options=LARGE))
    types = ",".join(sorted(set(TYPES.values())))
    given = provider_pb2.ParameterizeRequest.ParametersArgs(args=[str(provider), "--include", types])
    stub.Parameterize(provider_pb2.ParameterizeRequest(args=given), timeout=START_SECONDS)
    return stub


def _serve(stub: Any) -> None:
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=16), options=LARGE)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Bridged(stub), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    server.wait_for_termination()


if __name__ == "__main__":
    main()
