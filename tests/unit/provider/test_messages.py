"""CRDs nest deeper than protobuf's parser takes by default."""

import subprocess
import sys

DEEP = """\
from google.protobuf import struct_pb2
from groundplan.messages import allow_deep_messages
{}
part = struct_pb2.Value(string_value="x")
for _ in range(60):
    part = struct_pb2.Value(struct_value=struct_pb2.Struct(fields={{"a": part}}))
struct_pb2.Value.FromString(part.SerializeToString())
"""


def parse(first: str) -> str:
    return subprocess.run([sys.executable, "-c", DEEP.format(first)], capture_output=True, text=True).stderr


def test_a_deep_object_is_parsed_only_when_it_is_allowed() -> None:
    """Merging copies by parsing: what builds the message fails first."""
    assert "DecodeError" in parse("")
    assert parse("allow_deep_messages()") == ""
