"""What has to be done for a Kind cluster outside of an `up`: before the engine starts, and after the last of it."""

from pathlib import Path
from threading import Event

from groundplan.errors import Refused, ServiceError, ToolError
from groundplan.kind import tool
from groundplan.kind.api import Api
from groundplan.kind.cluster import await_ready
from groundplan.kind.config import ClusterConfig
from groundplan.kind.labels import STACK_ID
from groundplan.local.folder import private, write_private
from groundplan.spec import StackSpec


def restore_kubeconfig(stack: StackSpec, stack_id: str, root: Path) -> None:
    """Write the kubeconfig again where it was lost and the cluster is there.

    The engine looks at every object before it looks at the cluster: without the file it would take all for gone.
    Nothing is said where Docker or Kind are missing: a preview needs neither.
    """
    config = ClusterConfig.of(stack, stack_id, root, ())
    path = Path(config.kubeconfig)
    if path.exists():
        return
    try:
        tool.require()
        found = tool.kubeconfig(config.name) if config.name in tool.clusters() else None
    except (ToolError, ServiceError):
        return
    if found is not None:
        private(path.parent)
        write_private(path, found)


def wake(stack: StackSpec, stack_id: str, root: Path) -> None:
    """Start the nodes of the stack's cluster where a reboot or `down` left them stopped: only for an `up`.

    Its kubeconfig in this checkout says that it is ours. What cannot be done here, the cluster's own resource tells.
    """
    config = ClusterConfig.of(stack, stack_id, root, ())
    if not Path(config.kubeconfig).exists():
        return
    try:
        tool.require()
        if config.name in tool.clusters() and not _owners(config.name):
            tool.start(tool.nodes(config.name))
            await_ready(tool.kubeconfig(config.name), config.name, Event())
    except (ToolError, ServiceError):
        return


def remove_cluster(stack: StackSpec, stack_id: str, root: Path) -> None:
    """Remove the cluster of a stack with all that is in it; harmless when there is none.

    Raises:
        Refused: the cluster of that name runs and is another stack's.
    """
    config = ClusterConfig.of(stack, stack_id, root, ())
    tool.require()
    if config.name not in tool.clusters():
        return
    owners = _owners(config.name)
    if owners and owners != {stack_id}:
        fix = f"fix: kind delete cluster --name {config.name}"
        raise Refused(f"cluster {config.name} is not this stack's: not removed; {fix}")
    tool.delete(config.name, config.kubeconfig)
    Path(config.kubeconfig).unlink(missing_ok=True)


def _owners(name: str) -> set[str | None]:
    """Whose a cluster is; nobody's when it stands still, and cannot be asked."""
    try:
        with Api(tool.kubeconfig(name)) as api:
            return {node.labels.get(STACK_ID) for node in api.nodes()}
    except ServiceError:
        return set()
