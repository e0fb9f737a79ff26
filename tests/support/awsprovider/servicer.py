"""Each call of the engine as a call of the bridge, with the bridge's names of types."""

import json
from typing import Any

import grpc
from google.protobuf import struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from tests.support.aws.judge import SINGLE
from tests.support.aws.types import TYPES, bridged

VERSION = "7.51.1"
#: What the provider is told besides: to believe the emulator's credentials, and to name buckets in paths.
TOLD = {"skipCredentialsValidation": "true", "skipMetadataApiCheck": "true", "s3UsePathStyle": "true"}
CONFIGURING = ("CheckConfig", "DiffConfig", "Configure")
RESOURCE = ("Check", "Diff", "Create", "Read", "Update", "Delete")
#: Where the requests of each call hold a resource's properties.
HELD = ("news", "olds", "old_inputs", "inputs", "properties")


class Bridged(provider_pb2_grpc.ResourceProviderServicer):  # type: ignore[misc]
    """Hands every call on."""

    def __init__(self, stub: Any) -> None:
        self._stub = stub

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return provider_pb2.GetSchemaResponse(schema=json.dumps({"name": "aws", "version": VERSION}))

    def Cancel(self, request: Any, context: Any) -> Any:
        return self._stub.Cancel(request)

    def Invoke(self, request: Any, context: Any) -> Any:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"no function of AWS is asked for by our programs: {request.tok}")

    def call(self, name: str, request: Any, context: Any) -> Any:
        """Hand one call on; an error keeps the details by which the engine reads it."""
        _configured(request) if name in CONFIGURING else _renamed(request)
        try:
            return _back(getattr(self._stub, name)(request), request)
        except grpc.RpcError as error:
            found = dict(error.trailing_metadata() or ())  # type: ignore[attr-defined]
            details = found.get("grpc-status-details-bin")
            if details is not None:
                context.set_trailing_metadata((("grpc-status-details-bin", details),))
            return context.abort(error.code(), error.details())  # type: ignore[attr-defined]


def _forward(name: str) -> Any:
    return lambda self, request, context: self.call(name, request, context)


for each in (*CONFIGURING, *RESOURCE):
    setattr(Bridged, each, _forward(each))


def _configured(request: Any) -> None:
    for name in ("news", "args"):
        if name in request.DESCRIPTOR.fields_by_name:
            fields = getattr(request, name).fields
            for key, value in TOLD.items():
                fields[key].string_value = value


def _renamed(request: Any) -> None:
    """Give the request the bridge's type, and its properties the bridge's shape."""
    head, qualified, name = request.urn.rsplit("::", 2)
    kind = qualified.rsplit("$", 1)[-1]
    token = bridged(TYPES[kind])
    request.urn = f"{head}::{token}::{name}"
    if "type" in request.DESCRIPTOR.fields_by_name:
        request.type = token
    for field in HELD:
        if field in request.DESCRIPTOR.fields_by_name:
            for (known, plural), single in SINGLE.items():
                fields = getattr(request, field).fields
                if known == kind and plural in fields:
                    fields[single].CopyFrom(fields.pop(plural).list_value.values[0])


def _back(answer: Any, request: Any) -> Any:
    """Give properties in an answer pulumi-aws's shape again."""
    kinds = {bridged(TYPES[known]): (plural, single) for (known, plural), single in SINGLE.items()}
    names = kinds.get(getattr(request, "type", ""))
    for field in (*HELD, "outputs") if names else ():
        if field in answer.DESCRIPTOR.fields_by_name:
            fields = getattr(answer, field).fields
            plural, single = names  # type: ignore[misc]
            if single in fields:
                value = struct_pb2.Value(list_value=struct_pb2.ListValue(values=[fields.pop(single)]))
                fields[plural].CopyFrom(value)
    return answer
