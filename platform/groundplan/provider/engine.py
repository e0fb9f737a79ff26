"""Progress and warnings into the engine's display."""

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from groundplan.provider.faults import record


class EngineLog:
    """The engine's log: one line of progress or one warning, beside the resource it is about. Thread-safe."""

    def __init__(self, address: str) -> None:
        self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address))

    def info(self, urn: str, text: str) -> None:
        """Show a line of progress in the resource's row: the next one takes its place."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def tell(self, urn: str, text: str) -> None:
        """Show a line that stays in the summary at the end."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=False)

    def warn(self, urn: str, text: str) -> None:
        """Show a warning; it stays in the summary at the end."""
        self._log(engine_pb2.WARNING, urn, text, ephemeral=False)

    def _log(self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, ephemeral: bool) -> None:
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
        try:
            self._stub.Log(request, timeout=5)
        except grpc.RpcError as error:
            # The display is gone (Ctrl-C twice, a killed engine); the work it was about is not.
            record(f"the engine did not take a message ({error.code()}): {text}")
