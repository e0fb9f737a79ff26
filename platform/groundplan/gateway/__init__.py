"""The gateway: Envoy's configuration, rendered from the table of access rules and the stack's addresses. Pure."""

from groundplan.gateway.documents import documents
from groundplan.gateway.settings import Settings, Tokens

__all__ = ["Settings", "Tokens", "documents"]
