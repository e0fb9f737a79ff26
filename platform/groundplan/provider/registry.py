"""Every handler that the plugin drives."""

from groundplan.kind.cluster import ClusterHandler
from groundplan.local.data_folder import DataFolderHandler
from groundplan.local.runtime_config import RuntimeConfigHandler
from groundplan.local.secret import SecretHandler
from groundplan.local.service import ServiceHandler
from groundplan.local.stack_certificate import StackCertificateHandler
from groundplan.local.stack_secret import StackSecretHandler
from groundplan.provider.alias import AliasHandler
from groundplan.provider.handler import Handler
from groundplan.provider.ml import MLHandler
from groundplan.provider.project import ProjectHandler
from groundplan.provider.table import KINDS


def handlers() -> tuple[Handler, ...]:
    """Return one handler a resource type."""
    local = (DataFolderHandler(), SecretHandler(), RuntimeConfigHandler(), ServiceHandler())
    cluster = (ClusterHandler(), StackSecretHandler(), StackCertificateHandler())
    own: dict[str, type[MLHandler]] = {"Project": ProjectHandler, "Alias": AliasHandler}
    return (*local, *cluster, *(own.get(kind.name, MLHandler)(kind) for kind in KINDS.values()))
