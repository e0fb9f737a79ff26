"""The local target's resource types and their properties, for the schema."""

from collections.abc import Mapping
from dataclasses import dataclass

from groundplan.provider.table import Prop


@dataclass(frozen=True)
class LocalType:
    """One ``groundplan:local:*`` type."""

    name: str
    about: str
    inputs: Mapping[str, Prop]
    outputs: Mapping[str, Prop]

    @property
    def token(self) -> str:
        """The Pulumi type."""
        return f"groundplan:local:{self.name}"


OWNER = {
    "folder": Prop("text", "The stack's data folder."),
    "stack_id": Prop("text", "The stack that owns the folder."),
}
INTACT = Prop("flag", "Whether it is as it was left.", optional=True)
FOLDER = LocalType(
    "DataFolder",
    "The folder that a stack owns, and in it a copy of the code that its services run.",
    {
        **OWNER,
        "stack": Prop("text", "The stack's name."),
        "root": Prop("text", "The checkout."),
        "keep": Prop("flag", "Whether its data outlives the resource.", optional=True),
        "code": Prop("text", "Digest of the code.", optional=True),
        "sources": Prop("texts", "Package folders to copy.", optional=True),
    },
    {"intact": INTACT},
)
SECRET = LocalType(
    "Secret",
    "A generated secret in a 0600 file.",
    {
        **OWNER,
        "name": Prop("text", "The file's name."),
        "keep": Prop("flag", "Whether the file outlives the resource.", optional=True),
    },
    {
        "value": Prop("text", "The secret.", secret=True),
        "path": Prop("text", "The file."),
        "intact": INTACT,
    },
)
RUNTIME = LocalType(
    "RuntimeConfig",
    "How processes find each other, and files derived from secrets.",
    {
        **OWNER,
        "stack": Prop("text", "The stack's name."),
        "bucket": Prop("text", "The bucket."),
        "endpoints": Prop("map", "Part → address."),
        "applications": Prop("map", "Application → address, of those that are one process.", optional=True),
    },
    {"path": Prop("text", "The file."), "intact": INTACT},
)
SERVICE = LocalType(
    "Service",
    "One supervised process with a health check.",
    {
        **OWNER,
        "name": Prop("text", "Its name."),
        "command": Prop("texts", "What runs; no secret in it."),
        "health": Prop("map", "kind: http, tcp or command; url, port or command; timeout in seconds."),
        "environment": Prop("map", "Variables; no secret in it.", optional=True),
        "ports": Prop("map", "Name → port that it listens at.", optional=True),
        "setup": Prop("list", "Idempotent commands, run when it is healthy.", optional=True),
        "scratch": Prop("texts", "What is removed with it.", optional=True),
        "stop_seconds": Prop("integer", "How long it may take to stop.", optional=True),
        "stop_signal": Prop("text", "What it stops by.", optional=True),
        "code": Prop("text", "Digest of the code it runs.", optional=True),
    },
    {"running": Prop("flag", "Whether it runs and is healthy."), "log": Prop("text", "Its log.")},
)
LOCAL = (FOLDER, SECRET, RUNTIME, SERVICE)
