"""Messages of the engine may nest deeper than protobuf's parser takes by default."""

from google._upb import _message


def allow_deep_messages() -> None:
    """Let this process parse messages that nest deeper than 100: 33 levels of JSON, and the schema of a CRD has more.

    The engine has no such limit. Without this a program or a provider in Python fails with "Exception deserializing" as
    soon as it is told about such an object. The switch is protobuf's own, made for messages of any size and depth.
    """
    _message.SetAllowOversizeProtos(True)
