"""``groundplan:kind:Cluster``: a Kind cluster, from its making to its end."""

import socket
import time
from pathlib import Path
from threading import Event
from typing import Any

from groundplan.errors import GroundplanError, Refused, ServiceError, ToolError
from groundplan.kind import tool
from groundplan.kind.api import Api, Node
from groundplan.kind.labels import GPU_LABEL, SHAPE, STACK_ID
from groundplan.local.folder import private, write_private
from groundplan.provider.diff import Changes
from groundplan.provider.handler import Context, Failure, Unreachable

#: Seconds for nodes that were started to answer again, and between two looks.
READY, POLL = 180.0, 1.0


class ClusterHandler:
    """Inputs: name, stack_id, shape, config, path, gpus, gpu_resource, images, memory_mb, keep.

    Outputs: kubeconfig (secret), running (its nodes are ready), claimed (the GPU workers claim their GPUs).
    """

    token = "groundplan:kind:Cluster"  # noqa: S105  (a type's name)
    secret_outputs = frozenset({"kubeconfig"})
    outputs = frozenset({"kubeconfig", "running", "claimed"})

    def check(self, inputs: dict[str, Any], ctx: Context) -> tuple[dict[str, Any], list[Failure]]:
        """Nothing to check: the spec has been, and a preview needs neither Docker nor Kind."""
        return inputs, []

    def unsettled(self, state: dict[str, Any]) -> frozenset[str]:
        """Nodes that stand still, a lost kubeconfig and forgotten GPUs are mended by a plain `up`."""
        return frozenset(name for name in ("running", "claimed") if not state.get(name, True))

    def breaking(self, changes: Changes) -> list[str]:
        """Another shape is another cluster."""
        return [path for path in changes if path == "shape"]

    def foresee(self, inputs: dict[str, Any], ctx: Context) -> None:
        """Warn of what `up` would remove, and of what would stop it. Silent while Docker cannot be asked."""
        try:
            tool.require()
            there = inputs["name"] in tool.clusters()
        except GroundplanError as error:
            ctx.warn(f"`up` would stop here: {error}")
            return
        if not there:
            for problem in _in_the_way(inputs):
                ctx.warn(f"`up` would stop here: {problem}")
        elif _is_another(inputs["name"], inputs):
            ctx.warn(f"cluster {inputs['name']} is made anew: all that is in it is lost; fix: save it first (backup)")

    def create(self, inputs: dict[str, Any], ctx: Context) -> tuple[str, dict[str, Any]]:
        """Make it, or adopt the one that an earlier run of this stack made; one of another shape makes way."""
        tool.require()
        if inputs["name"] in tool.clusters():
            _require_ours(await_ready(tool.kubeconfig(inputs["name"]), inputs["name"], ctx.cancelled), inputs)
            ctx.report(f"adopting cluster {inputs['name']}")
        return inputs["name"], self.update(inputs["name"], {}, inputs, ctx)

    def read(self, id: str, state: dict[str, Any], ctx: Context) -> dict[str, Any] | None:
        """Tell what is there. None only when Kind knows of no such cluster; without Docker nobody can say."""
        try:
            tool.require()
            if id not in tool.clusters() or _is_another(id, state):
                return None
            text = tool.kubeconfig(id)
        except (ToolError, ServiceError) as error:
            raise Unreachable(str(error)) from None
        return {**state, **_seen(text, state), "kubeconfig": text}

    def update(self, id: str, state: dict[str, Any], inputs: dict[str, Any], ctx: Context) -> dict[str, Any]:
        """Make it match: another shape by making it anew, the rest in place."""
        tool.require()
        name = inputs["name"]
        if name in tool.clusters() and _is_another(name, inputs):
            ctx.warn(f"cluster {name} is made anew for another shape: all that was in it is gone")
            _remove(name, state or inputs)
        if name not in tool.clusters():
            _make(inputs, ctx)
        text = tool.kubeconfig(name)
        write_private(_file(inputs), text)
        _settle(text, inputs, ctx)
        for image in inputs["images"]:
            if image not in state.get("images", ()) or state.get("shape") != inputs["shape"]:
                ctx.report(f"loading {image}")
                tool.load(name, image)
        return {**inputs, "kubeconfig": text, "running": True, "claimed": True}

    def delete(self, id: str, state: dict[str, Any], ctx: Context) -> None:
        """Stop it where its data is kept; else remove it with all that is in it, and its kubeconfig.

        One that has made way for another shape is gone already: what bears its name now is not it.
        """
        tool.require()
        if id in tool.clusters() and _is_another(id, state):
            Path(state["path"]).unlink(missing_ok=True)
            return
        if state.get("keep") and id in tool.clusters():
            ctx.tell(f"cluster {id} is stopped, with its data; groundplan down --purge removes it")
            tool.stop(tool.nodes(id))
            return
        _remove(id, state)


def _remove(name: str, values: dict[str, Any]) -> None:
    tool.delete(name, values["path"])
    Path(values["path"]).unlink(missing_ok=True)


def _make(inputs: dict[str, Any], ctx: Context) -> None:
    problems = _in_the_way(inputs)
    if problems:
        raise ServiceError("\n".join(problems))
    ctx.report(f"making cluster {inputs['name']}: a minute or more, with its images")
    tool.create(inputs["name"], inputs["config"], str(_file(inputs)))


def _in_the_way(inputs: dict[str, Any]) -> list[str]:
    """What would make Kind fail half-way, each in one line."""
    found = []
    memory, wanted = tool.memory_mb(), int(inputs["memory_mb"])
    if memory < wanted:
        fix = "fix: give Docker more, or lower kind.memory_mb and the sizes in cluster.parts"
        found.append(f"Docker has {memory} MiB of memory, the platform needs {wanted} (kind.memory_mb); {fix}")
    for image in (each for each in inputs["images"] if not tool.has_image(each)):
        fix = "fix: groundplan images --build, or kind.load_images: false"
        found.append(f"Docker has no image {image}; {fix}")
    for node in inputs["config"]["nodes"]:
        for port in node.get("extraPortMappings", ()):
            if _taken(port["listenAddress"], int(port["hostPort"])):
                where = f"{port['listenAddress']}:{int(port['hostPort'])}"
                found.append(f"port {where} is taken by another program; fix: another one in kind.ports")
    return found


def _taken(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return True
        return False


def _require_ours(nodes: list[Node], inputs: dict[str, Any]) -> None:
    found = {node.labels.get(STACK_ID) for node in nodes}
    if found != {inputs["stack_id"]}:
        fix = f"fix: kind delete cluster --name {inputs['name']}, or another name for this stack"
        raise Refused(f"cluster {inputs['name']} is there and is not this stack's; {fix}")


def _shape(name: str) -> str | None:
    """As what a cluster was made; None when it cannot be asked."""
    try:
        return next((node.labels.get(SHAPE) for node in _nodes(tool.kubeconfig(name))), None)
    except ServiceError:
        return None


def _is_another(name: str, state: dict[str, Any]) -> bool:
    return _shape(name) not in (state["shape"], None)


def _nodes(kubeconfig: str) -> list[Node]:
    with Api(kubeconfig) as api:
        return api.nodes()


def _seen(kubeconfig: str, state: dict[str, Any]) -> dict[str, Any]:
    try:
        nodes = _nodes(kubeconfig)
    except ServiceError:
        return {"running": False, "claimed": bool(state.get("claimed", True))}
    file = Path(state["path"])
    held = file.exists() and file.read_text() == kubeconfig
    return {"running": held and all(node.ready for node in nodes), "claimed": not _unclaimed(nodes, state)}


def _settle(kubeconfig: str, inputs: dict[str, Any], ctx: Context) -> None:
    """Start what stands still, wait for it, and let GPU workers claim their GPUs."""
    nodes = await_ready(kubeconfig, inputs["name"], ctx.cancelled)
    with Api(kubeconfig) as api:
        for node in _unclaimed(nodes, inputs):
            api.claim(node.name, inputs["gpu_resource"], int(inputs["gpus"]))


def await_ready(kubeconfig: str, name: str, cancelled: Event) -> list[Node]:
    """Wait until every node is ready, and return them; those that stand still are started. ServiceError: why not."""
    end, started = time.monotonic() + READY, False
    while not cancelled.is_set():
        try:
            nodes = _nodes(kubeconfig)
            if nodes and all(node.ready for node in nodes):
                return nodes
            what = f"nodes not ready: {', '.join(node.name for node in nodes if not node.ready)}"
        except ServiceError as error:
            what = str(error)
            if not started:
                tool.start(tool.nodes(name))
                started = True
        if time.monotonic() > end:
            raise ServiceError(f"cluster {name} is not ready after {READY:.0f} s: {what}; fix: docker ps, then `up`")
        cancelled.wait(POLL)
    raise ServiceError(f"interrupted while waiting for cluster {name}; fix: `up` goes on")


def _unclaimed(nodes: list[Node], values: dict[str, Any]) -> list[Node]:
    wanted, resource = str(int(values["gpus"])), values["gpu_resource"]
    return [node for node in nodes if GPU_LABEL in node.labels and node.capacity.get(resource, "0") != wanted]


def _file(inputs: dict[str, Any]) -> Path:
    path = Path(inputs["path"])
    private(path.parent)
    return path
