"""A pod of the platform's own code: how it finds the others, and its secrets as files that only it can read."""

import base64
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pulumi

from groundplan_components.kubernetes.data import DataServices
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.pods import SMALL, Container, Mount, Pod, Probes, Size
from groundplan_components.kubernetes.site import PORTS, Site

#: Names of the ConfigMap and the Secret that hold ``runtime.json`` and the secrets of docs/contracts.md.
RUNTIME, SECRETS = "platform-runtime", "platform-secrets"
CONFIG, SEALED, OPEN, DATA = "/etc/groundplan", "/etc/groundplan-secrets", "/run/groundplan", "/var/lib/groundplan"
ENVIRONMENT = {
    "GROUNDPLAN_RUNTIME": f"{CONFIG}/runtime.json",
    "HOME": "/tmp",  # noqa: S108  (the one folder that a pod may write)
    "PYTHONUNBUFFERED": "1",
    "RAY_USAGE_STATS_ENABLED": "0",
}
MODE = 0o440


@dataclass(frozen=True)
class Shared:
    """What every pod of the platform mounts, and the digest by which they notice another."""

    config: pulumi.CustomResource
    secrets: pulumi.CustomResource
    digest: str


class Settings(pulumi.ComponentResource):
    """``runtime.json`` and the secrets, as a ConfigMap and a Secret."""

    shared: Shared

    def __init__(self, title: str, site: Site, data: DataServices, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Settings", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        document = runtime_document(site, data)
        config = declare(f"{title}-runtime", _config_map(site, pulumi.Output.json_dumps(document, indent=1)), own)
        secrets = declare(f"{title}-secrets", _secret(site, data.secrets), own)
        self.shared = Shared(config, secrets, _digest(document, sorted(data.secrets)))
        self.register_outputs({})


def runtime_document(site: Site, data: DataServices) -> dict[str, object]:
    """Return ``runtime.json`` of docs/contracts.md, as pods of this cluster read it. No secret in it."""
    return {
        "stack": site.place.stack,
        "stack_id": site.place.stack_id,
        "bucket": data.bucket,
        "region": data.region,
        "tls": data.tls,
        "roles": dict(data.roles),
        "data_dir": DATA,
        "secrets_dir": f"{OPEN}/secrets",
        "bind": "0.0.0.0",  # noqa: S104  (in a pod; who may connect is the network policies' to say)
        "endpoints": {**data.endpoints(), **site.endpoints()},
        "applications": {},
    }


def own_pod(
    site: Site,
    part: str,
    shared: Shared,
    command: Sequence[str],
    probes: Probes | None = None,
    *,
    name: str | None = None,
    image: str = "runtime",
    port: str = "http",
    ports: Mapping[str, int] | None = None,
    secrets: Sequence[str],
    more: Sequence[Mount] = (),
    environment: Mapping[str, str] | None = None,
    stop_seconds: int = 30,
    data: Mount | None = None,
) -> Pod:
    """Return the pod of a service of ours. ``secrets``: the only ones that it gets. ``data``: its volume, if any."""
    named = name or part.replace("_", "-")
    mounts = (*mounts_of(secrets), data or Mount("scratch", DATA, {"emptyDir": {"sizeLimit": "2Gi"}}, False), *more)
    container = Container(
        named,
        site.images[image],
        ("python", "-m", *command),
        site.size(part),
        ports={**({port: PORTS[named]} if named in PORTS else {}), **(ports or {})},
        environment={**ENVIRONMENT, **code(site.images[image]), **(environment or {})},
        mounts=mounts,
        probes=probes,
    )
    return Pod(
        named, part, (container,), init=(prepare(site, image, secrets),), settings=shared.digest,
        stop_seconds=stop_seconds, scaling=site.scaling(part),
    )  # fmt: skip


def code(image: str) -> dict[str, str]:
    """Return the variable by which a process knows what code it runs: the last word of its image's reference."""
    return {"GROUNDPLAN_CODE": image.rpartition(":")[2]}


def prepare(site: Site, image: str, secrets: Sequence[str], size: Size = SMALL) -> Container:
    """Return the init container that writes the secrets as files that only their user may read, as libpq demands."""
    mounts = (*mounts_of(secrets, writable=True), Mount("sealed", SEALED, sealed(SECRETS, set(secrets) - site.without)))
    return preparing(site.images[image], ENVIRONMENT, mounts, size)


def preparing(image: str, environment: Mapping[str, str], mounts: tuple[Mount, ...], size: Size = SMALL) -> Container:
    """Return the init container that writes, with what is mounted at :data:`SEALED`, what ``environment`` asks for."""
    command, sealed_in = ("python", "-m", "groundplan_runtime.pod"), {"GROUNDPLAN_SEALED": SEALED}
    return Container("prepare", image, command, size, environment={**environment, **sealed_in}, mounts=mounts)


def mounts_of(secrets: Sequence[str], writable: bool = False) -> tuple[Mount, ...]:
    """Return where a pod finds ``runtime.json`` and its secrets: in memory, written by :func:`prepare`."""
    config = Mount("runtime", CONFIG, {"configMap": {"name": RUNTIME, "defaultMode": MODE}})
    return (config, in_memory(writable)) if secrets else (config,)


def in_memory(writable: bool = False) -> Mount:
    """Return where a pod finds what :func:`prepare` wrote."""
    return Mount("open", OPEN, {"emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}, read_only=not writable)


def python_probe(what: str) -> dict[str, object]:
    """Return a probe that asks a service a real question, with its password."""
    return {"exec": {"command": ["python", "-m", "groundplan.local.launch.probe", what]}}


def tcp_probe(port: str) -> dict[str, object]:
    """Return a probe that finds somebody listening: all that a restart could mend."""
    return {"tcpSocket": {"port": port}}


def http_probe(path: str, port: str = "http") -> dict[str, object]:
    """Return a probe over HTTP."""
    return {"httpGet": {"path": path, "port": port}}


def sealed(secret: str, names: Collection[str]) -> dict[str, object]:
    """Return the volume of some keys of a Secret."""
    items = [{"key": name, "path": name} for name in sorted(names)]
    return {"secret": {"secretName": secret, "defaultMode": MODE, "items": items}}


def _config_map(site: Site, text: pulumi.Input[str]) -> Manifest:
    metadata = site.place.metadata(RUNTIME, "settings")
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"runtime.json": text}}


def _secret(site: Site, values: Mapping[str, pulumi.Input[str]]) -> Manifest:
    metadata = site.place.metadata(SECRETS, "settings")
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque", "data": encoded(values)}


def encoded(values: Mapping[str, pulumi.Input[str]]) -> pulumi.Output[dict[str, str]]:
    """Return the data of a Secret as Kubernetes stores it, secret in Pulumi's state whatever its values were."""
    gathered: pulumi.Output[dict[str, str]] = pulumi.Output.all(**values)
    hidden: pulumi.Output[dict[str, str]] = pulumi.Output.secret(gathered)
    return hidden.apply(lambda found: {name: base64.b64encode(text.encode()).decode() for name, text in found.items()})


def plain(host: str) -> str:
    """Return a host without its port."""
    return host.rpartition(":")[0] or host


def _digest(document: Mapping[str, object], names: Sequence[str]) -> str:
    """Over what the plan knows: an address that a cloud makes never changes without its service."""
    known = json.dumps([document, names], sort_keys=True, default=lambda _: "known after up")
    return hashlib.sha256(known.encode()).hexdigest()[:16]
