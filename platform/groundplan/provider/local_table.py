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
LOCAL: tuple[LocalType, ...] = ()
