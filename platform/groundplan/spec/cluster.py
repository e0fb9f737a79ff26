"""A stack's cluster: Kind as the stack makes it, one that exists, and what the platform's services are in any."""

from typing import Annotated, Literal

from pydantic import Field

from groundplan.spec._base import Model

LABEL_PATTERN = r"^[a-z]([a-z0-9\-]{0,38}[a-z0-9])?$"
PREFIX_PATTERN = r"^([a-z][a-z0-9\-]{0,18}-)?$"
VERSION_PATTERN = r"^1\.[0-9]{2}\.[0-9]{1,2}$"
HOST_PATTERN = r"^[a-z0-9]([a-z0-9.\-]{0,250}[a-z0-9])?$"
ADDRESS_PATTERN = r"^([0-9]{1,3}\.){3}[0-9]{1,3}$"
REGISTRY_PATTERN = r"^[a-z0-9]([a-z0-9.\-]*[a-z0-9])?(:[0-9]{1,5})?(/[a-z0-9]+([._\-]+[a-z0-9]+)*)*$"
#: An image that cannot become another one: by digest, or with a tag that is no moving one.
IMAGE_PATTERN = (
    r"^[a-z0-9][a-z0-9._:/\-]*(@sha256:[0-9a-f]{64}|:[A-Za-z0-9_][A-Za-z0-9_.\-]{0,127}(@sha256:[0-9a-f]{64})?)$"
)
KUBECONFIG_PATTERN = r"^[^\s$`;|&<>]+$"
CRON_PATTERN = r"^[0-9*/,\-]+( [0-9*/,\-]+){4}$"

Label = Annotated[str, Field(pattern=LABEL_PATTERN)]
Image = Annotated[str, Field(pattern=IMAGE_PATTERN, max_length=512)]
HostPort = Annotated[int, Field(ge=1024, le=65535)]
Megabytes = Annotated[int, Field(ge=16, le=4_194_304)]
Cpus = Annotated[float, Field(gt=0, le=1024)]

#: What runs in the platform's own namespace, by the names that the YAML and labels use.
PartName = Literal[
    "database", "objects", "online_store", "mlflow", "feast", "controlplane", "identity", "gateway",
    "ray_operator", "ray_head", "ray_worker", "prometheus", "grafana", "backup", "gateway_operator", "proxy",
]  # fmt: skip
#: Images that the platform runs: two of its own, the others' from upstream.
ImageName = Literal[
    "runtime", "services", "ray_operator", "prometheus", "grafana", "gateway_operator", "proxy",
    "cert_manager", "cert_manager_cainjector", "cert_manager_check", "cert_manager_webhook",
]  # fmt: skip
#: What is reached from outside: gateway for people, control plane for whoever deploys.
DoorName = Literal["gateway", "controlplane", "serve", "mlflow", "ray", "prometheus", "grafana"]

#: Host ports that a Kind cluster takes on its host address unless ``ports`` names others.
HOST_PORTS: dict[DoorName, int] = {
    "gateway": 15443,
    "controlplane": 15444,
    "serve": 15446,
    "mlflow": 15447,
    "ray": 15448,
    "prometheus": 15449,
    "grafana": 15450,
}
#: The node port behind each: fixed, so that a preview knows every address.
NODE_PORTS: dict[DoorName, int] = {
    "gateway": 30443,
    "controlplane": 30444,
    "serve": 30446,
    "mlflow": 30447,
    "ray": 30448,
    "prometheus": 30449,
    "grafana": 30450,
}


class GpuWorkersSpec(Model):
    """Kind workers that claim to have GPUs: an extended resource, so that scheduling is as it would be. No GPU."""

    count: Annotated[int, Field(ge=0, le=16)] = 0
    gpus: Annotated[int, Field(ge=1, le=16)] = 1
    resource: Literal["nvidia.com/gpu"] = "nvidia.com/gpu"


class KindSpec(Model):
    """The ``kind`` target's cluster: one control plane and workers, as containers on this machine.

    ``version`` is Kubernetes'; another one replaces the cluster, and what was in it. ``load_images``: the platform's
    images are put on the nodes from Docker; otherwise the nodes pull them from ``cluster.images.registry``.
    """

    version: Annotated[str, Field(pattern=VERSION_PATTERN)] = "1.34.0"
    node_image: Image | None = None
    workers: Annotated[int, Field(ge=0, le=16)] = 1
    gpu_workers: GpuWorkersSpec = GpuWorkersSpec()
    host: Annotated[str, Field(pattern=ADDRESS_PATTERN)] = "127.0.0.1"
    ports: dict[DoorName, HostPort] = {}
    load_images: bool = True
    #: What Docker must have free for it.
    memory_mb: Annotated[int, Field(ge=2048, le=4_194_304)] = 8192

    def port(self, door: DoorName) -> int:
        """Return the host port of one door."""
        return self.ports.get(door, HOST_PORTS[door])


class KubernetesSpec(Model):
    """The ``kubernetes`` target's cluster: one that is there. ``context`` is named, never the one in use."""

    kubeconfig: Annotated[str, Field(pattern=KUBECONFIG_PATTERN, max_length=1024)] = "~/.kube/config"
    context: Annotated[str, Field(pattern=r"^\S+$", max_length=253)] | None = None


class ImagesSpec(Model):
    """Where images come from. The platform's own are tagged by the digest of what is in them, unless pinned."""

    registry: Annotated[str, Field(pattern=REGISTRY_PATTERN, max_length=255)] = "localhost/groundplan"
    pins: dict[ImageName, Image] = {}
    pull_secret: Label | None = None


class IngressSpec(Model):
    """How the platform is reached from outside of its cluster.

    ``host`` leads to the gateway, ``api.<host>`` to the control plane. ``api``: by Ingresses, or by the Gateway API;
    ``class_name`` is that of an IngressClass or of a GatewayClass. ``tls_secret``: a Secret with the certificate;
    ``issuer``: a ClusterIssuer of cert-manager that makes it. Without an ingress, services are NodePorts.

    In a Kind cluster, by the Gateway API only: the stack makes the GatewayClass and what serves it, at the gateway's
    host port; the other doors stay as they are. Without ``issuer`` the certificate is of the stack's own authority.
    """

    host: Annotated[str, Field(pattern=HOST_PATTERN)]
    api: Literal["ingress", "gateway"] = "ingress"
    class_name: Label = "nginx"
    tls_secret: Label = "groundplan-tls"  # noqa: S105  (a Secret's name)
    issuer: Label | None = None

    def secret(self, service: str) -> str:
        """Return the Secret that holds the certificate of one service's host."""
        return self.tls_secret if service == "gateway" else f"{self.tls_secret}-{service}"


class EventsSpec(Model):
    """What KEDA counts for a service: a query of Prometheus, and how much of it one replica is for."""

    query: Annotated[str, Field(min_length=1, max_length=1024)]
    threshold: Annotated[float, Field(gt=0)]


class ScaleSpec(Model):
    """How many replicas a service may have when it is busy: by its CPUs (a HorizontalPodAutoscaler, of Kubernetes).

    ``events``: by what Prometheus counts, too; KEDA must be in the cluster then, and makes the autoscaler.
    """

    max: Annotated[int, Field(ge=2, le=1000)]
    #: Per cent of the CPUs asked for.
    cpu_percent: Annotated[int, Field(ge=10, le=100)] = 70
    events: tuple[EventsSpec, ...] = ()


class PartSpec(Model):
    """Size of one service: replicas, CPUs and memory that it asks for, their limits, its volume.

    What is not said is the default of the part; a limit that is not said is four times the CPUs asked for, and twice
    the memory. ``scale``: more replicas when it is busy; ``replicas`` is the least of them then. ``right_size``: what
    a VerticalPodAutoscaler (which must be in the cluster) does about requests that are wrong: say so, or mend them.
    """

    replicas: Annotated[int, Field(ge=1, le=100)] | None = None
    cpus: Cpus | None = None
    memory_mb: Megabytes | None = None
    cpu_limit: Cpus | None = None
    memory_limit_mb: Megabytes | None = None
    storage_gb: Annotated[int, Field(ge=1, le=65_536)] | None = None
    scale: ScaleSpec | None = None
    right_size: Literal["recommend", "apply"] | None = None


class RayWorkersSpec(Model):
    """Ray's workers: how many at least and at most, GPUs of each."""

    min: Annotated[int, Field(ge=0, le=1000)] = 1
    max: Annotated[int, Field(ge=0, le=1000)] = 1
    gpus: Annotated[int, Field(ge=0, le=16)] = 0


class BackupSpec(Model):
    """When PostgreSQL and the object store are saved (a cron line, UTC), and how many times are kept."""

    schedule: Annotated[str, Field(pattern=CRON_PATTERN)] = "15 2 * * *"
    keep: Annotated[int, Field(ge=1, le=365)] = 7
    storage_gb: Annotated[int, Field(ge=1, le=65_536)] = 20


class ClusterSpec(Model):
    """What is the same in every cluster: names, images, sizes, doors, backups."""

    namespace: Label = "groundplan"
    namespace_prefix: Annotated[str, Field(pattern=PREFIX_PATTERN)] = ""
    storage_class: Label | None = None
    images: ImagesSpec = ImagesSpec()
    ingress: IngressSpec | None = None
    #: Where NodePorts are reached in a cluster without an ingress: a node's name or address.
    node_host: Annotated[str, Field(pattern=HOST_PATTERN)] | None = None
    parts: dict[PartName, PartSpec] = {}
    ray_workers: dict[Label, RayWorkersSpec] = {"workers": RayWorkersSpec()}
    backup: BackupSpec = BackupSpec()
    monitoring: bool = True


#: What each pattern means, in words: shown as "allowed" in an error.
MEANING = {
    LABEL_PATTERN: "lower-case letters, digits and hyphens, beginning with a letter, at most 40 characters",
    PREFIX_PATTERN: "lower-case letters, digits and hyphens, ending in a hyphen, at most 20 characters, or nothing",
    VERSION_PATTERN: "a Kubernetes version, as in 1.34.0",
    HOST_PATTERN: "a host name, as in ml.example.org",
    ADDRESS_PATTERN: "an IPv4 address, as in 127.0.0.1",
    REGISTRY_PATTERN: "host[:port]/path without a scheme, as in ghcr.io/example/groundplan",
    IMAGE_PATTERN: "name:tag or name@sha256:…, as in quay.io/kuberay/operator:v1.6.1",
    KUBECONFIG_PATTERN: "a path, as in ~/.kube/config",
    CRON_PATTERN: "five fields of a cron line, as in 15 2 * * *",
    r"^\S+$": "a name without spaces",
}
