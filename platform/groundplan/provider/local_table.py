"""The resource types of places (this machine, a Kind cluster) and their properties, for the schema."""

from collections.abc import Mapping
from dataclasses import dataclass

from groundplan.provider.table import Prop


@dataclass(frozen=True)
class LocalType:
    """One ``groundplan:<module>:*`` type."""

    name: str
    about: str
    inputs: Mapping[str, Prop]
    outputs: Mapping[str, Prop]
    module: str = "local"

    @property
    def token(self) -> str:
        """The Pulumi type."""
        return f"groundplan:{self.module}:{self.name}"


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
        "registry": Prop("map", "stack, token_file: whose registry is read, and by which file's token.", optional=True),
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
KIND = LocalType(
    "Cluster",
    "A Kubernetes cluster of containers on this machine, made by Kind.",
    {
        "name": Prop("text", "Its name in Kind."),
        "stack_id": Prop("text", "The stack that owns it."),
        "shape": Prop("text", "Digest of what cannot be changed without making it anew."),
        "config": Prop("map", "Kind's own configuration document."),
        "path": Prop("text", "Its kubeconfig file."),
        "gpus": Prop("integer", "GPUs that each GPU worker claims.", optional=True),
        "gpu_resource": Prop("text", "The name under which it claims them.", optional=True),
        "images": Prop("texts", "Images of Docker to put on its nodes.", optional=True),
        "memory_mb": Prop("integer", "What Docker must have, in MiB."),
        "keep": Prop("flag", "Whether its end only stops it: its data is on its nodes.", optional=True),
    },
    {
        "kubeconfig": Prop("text", "The administrator's kubeconfig.", secret=True),
        "running": Prop("flag", "Whether its nodes are ready and its kubeconfig file is as it should be."),
        "claimed": Prop("flag", "Whether GPU workers claim their GPUs."),
    },
    module="kind",
)
STACK_SECRET = LocalType(
    "Secret",
    "A generated secret that the stack's state keeps, encrypted.",
    {
        "name": Prop("text", "Its name."),
        "stack_id": Prop("text", "The stack that it belongs to."),
        "path": Prop("text", "A 0600 file of it on the deployer's machine; empty: none.", optional=True),
    },
    {"value": Prop("text", "The secret.", secret=True), "intact": INTACT},
    module="stack",
)
STACK_CERTIFICATE = LocalType(
    "Certificate",
    "The gateway's authority and certificate, kept by the stack's state, encrypted.",
    {
        "stack": Prop("text", "The stack's name."),
        "stack_id": Prop("text", "The stack that it belongs to."),
        "path": Prop("text", "The authority's certificate on the deployer's machine."),
        "hosts": Prop("texts", "Names and addresses that it speaks for, beside the deployer's own machine."),
    },
    {
        "ca": Prop("text", "The authority's certificate."),
        "ca_key": Prop("text", "The authority's key.", secret=True),
        "chain": Prop("text", "The gateway's certificate."),
        "key": Prop("text", "The gateway's key.", secret=True),
        "intact": INTACT,
    },
    module="stack",
)
LOCAL = (FOLDER, SECRET, RUNTIME, SERVICE, KIND, STACK_SECRET, STACK_CERTIFICATE)
