"""The real terraform-provider-aws, asked through the bridge whether it would take what we register."""

import json
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.support.aws.registrations import Registration
from tests.support.aws.shape import Shapes
from tests.support.aws.types import TYPES, bridged

LARGE = [("grpc.max_receive_message_length", 400 << 20), ("grpc.max_send_message_length", 400 << 20)]
START_SECONDS = 240
#: (Pulumi type, property) → the bridge's own name of it, where it has one object in the place of a list.
SINGLE = {("aws:route53/record:Record", "aliases"): "alias"}


class Judge:
    """A running bridge with the provider inside."""

    def __init__(self, stub: Any, schema: Mapping[str, Any]) -> None:
        self._stub = stub
        self._shapes = Shapes(schema)

    def refusals(self, each: Registration) -> list[str]:
        """Return why the provider would refuse a resource, each reason in one line; empty when it would take it."""
        token = bridged(TYPES[each.type])
        single = {(each.type, key) for key in each.inputs} & SINGLE.keys()
        given = {key: value for key, value in each.inputs.items() if (each.type, key) not in single}
        given |= {SINGLE[found]: each.inputs[found[1]][0] for found in single}
        # The provider says nothing of keys that it does not know: they would be a silent hole in what is judged.
        given, unknown = self._shapes.fitted(token, given)
        if unknown:
            return [f"{each.type} {each.name}: not of this provider: {', '.join(sorted(unknown))}"]
        news = struct_pb2.Struct()
        json_format.ParseDict(given, news)
        urn = f"urn:pulumi:test::groundplan::{token}::{each.name}"
        request = provider_pb2.CheckRequest(
            urn=urn, type=token, name=each.name, news=news, olds=struct_pb2.Struct(), randomSeed=b"0" * 32
        )
        try:
            found = self._stub.Check(request).failures
        except grpc.RpcError as error:
            return [f"{each.type} {each.name}: {error.details()}"]
        return [f"{each.type} {each.name}: {' '.join(one.reason.split())[:300]}" for one in found]


@contextmanager
def judge(bridge: Path, provider: Path, types: list[str]) -> Iterator[Judge]:
    """Start the bridge with the provider for some Terraform types; it ends with the block."""
    # The bridge names its package after the program's file, which carries its version in a mirror.
    with tempfile.TemporaryDirectory() as folder:
        named = Path(folder) / "terraform-provider-aws"
        named.symlink_to(provider)
        yield from _judge(bridge, named, types)


def _judge(bridge: Path, provider: Path, types: list[str]) -> Iterator[Judge]:
    process = subprocess.Popen(
        [str(bridge), f"127.0.0.1:{_closed_port()}"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_bare(),
        start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        threading.Thread(target=process.stdout.read, daemon=True).start()
        with grpc.insecure_channel(f"127.0.0.1:{port}", options=LARGE) as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            given = provider_pb2.ParameterizeRequest.ParametersArgs(args=[str(provider), "--include", ",".join(types)])
            made = stub.Parameterize(provider_pb2.ParameterizeRequest(args=given), timeout=START_SECONDS)
            yield Judge(stub, _schema(stub, made))
    finally:
        # The provider is the bridge's child, and would outlive it.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(timeout=30)


def _schema(stub: Any, made: Any) -> dict[str, Any]:
    asked = provider_pb2.GetSchemaRequest(subpackage_name=made.name, subpackage_version=made.version)
    found: dict[str, Any] = json.loads(stub.GetSchema(asked).schema)
    return found


def _closed_port() -> int:
    """A port where no engine listens: the bridge takes an address for its logs, and does without."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _bare() -> dict[str, str]:
    """An environment in which nothing can ask AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return kept | {"AWS_EC2_METADATA_DISABLED": "true"}
