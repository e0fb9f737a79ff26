"""Every handler that the plugin drives."""

from groundplan.local.data_folder import DataFolderHandler
from groundplan.local.runtime_config import RuntimeConfigHandler
from groundplan.local.secret import SecretHandler
from groundplan.local.service import ServiceHandler
from groundplan.provider.handler import Handler
from groundplan.provider.ml import MLHandler
from groundplan.provider.project import ProjectHandler
from groundplan.provider.table import KINDS


def handlers() -> tuple[Handler, ...]:
    """Return one handler a resource type."""
    local = (DataFolderHandler(), SecretHandler(), RuntimeConfigHandler(), ServiceHandler())
    return (*local, *(ProjectHandler(kind) if kind.name == "Project" else MLHandler(kind) for kind in KINDS.values()))
