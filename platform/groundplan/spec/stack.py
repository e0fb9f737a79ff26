"""What ``stacks/<env>.yaml`` says: where the platform runs, which projects live on it, what is kept."""

from typing import Annotated, Literal

from pydantic import Field, PrivateAttr

from groundplan.spec._base import FilePath, Issuer, Model, Name, Url
from groundplan.spec.aws import AwsSpec
from groundplan.spec.cluster import ClusterSpec, KindSpec, KubernetesSpec
from groundplan.spec.cost import CapacitySpec, CostSpec
from groundplan.spec.identity import GrantSpec, IdentitySpec
from groundplan.spec.tenancy import AdmissionSpec, GitOpsSpec, SecuritySpec, TeamSpec

#: Every port of the local target is ``port_base`` plus its offset, unless ``ports`` names it.
PORT_OFFSETS = {
    "database": 0,
    "objects": 1,
    "online_store": 2,
    "mlflow": 3,
    "controlplane": 4,
    "ray": 5,
    "serve": 6,
    "identity": 7,
    "gateway": 8,
    "gateway_admin": 9,
    "objects_master": 10,
    "objects_master_grpc": 11,
    "objects_volume": 12,
    "objects_volume_grpc": 13,
    "objects_filer": 14,
    "objects_filer_grpc": 15,
    "objects_iam_grpc": 16,
    "feast": 17,
    "ray_gcs": 20,
    "ray_node_manager": 21,
    "ray_object_manager": 22,
    "ray_agent_http": 23,
    "ray_agent_grpc": 24,
    "ray_runtime_env": 25,
    "ray_metrics": 26,
    "ray_dashboard_metrics": 27,
    "serve_metrics": 28,
    "serve_statistics": 29,
    "serve_fallback": 18,
    "serve_fallback_grpc": 19,
}
#: First and last offset of the ports of applications that are one process, in the order of their names.
SINGLE_OFFSETS = (30, 39)
#: First and last offset of the ports that Ray's workers use.
RAY_WORKER_OFFSETS = (40, 85)
#: First and last offset of the ports at which doors (ingress replicas) listen, behind Serve's own proxy.
DOOR_OFFSETS = (86, 99)

PortName = Literal[
    "database",
    "objects",
    "online_store",
    "mlflow",
    "controlplane",
    "ray",
    "serve",
    "identity",
    "gateway",
    "gateway_admin",
    "objects_master",
    "objects_master_grpc",
    "objects_volume",
    "objects_volume_grpc",
    "objects_filer",
    "objects_filer_grpc",
    "objects_iam_grpc",
    "feast",
    "ray_gcs",
    "ray_node_manager",
    "ray_object_manager",
    "ray_agent_http",
    "ray_agent_grpc",
    "ray_runtime_env",
    "ray_metrics",
    "ray_dashboard_metrics",
    "serve_metrics",
    "serve_statistics",
    "serve_fallback",
    "serve_fallback_grpc",
]
Port = Annotated[int, Field(ge=1024, le=65535)]


class RaySpec(Model):
    """Size of the local Ray head: CPUs it may hand out, memory and object store in MiB."""

    cpus: Annotated[float, Field(gt=0, le=1024)] = 2
    memory_mb: Annotated[int, Field(ge=512)] = 4096
    object_store_mb: Annotated[int, Field(ge=80)] = 256


class LocalSpec(Model):
    """The ``local`` target: data folder relative to the checkout, ports, Ray's size."""

    data_dir: FilePath = ".groundplan/local"
    port_base: Annotated[int, Field(ge=1024, le=65435)] = 15400
    ports: dict[PortName, Port] = {}
    ray: RaySpec = RaySpec()

    def port(self, name: str) -> int:
        """Return the port of one service. KeyError for an unknown name."""
        return self.ports.get(name, self.port_base + PORT_OFFSETS[name])  # type: ignore[call-overload, no-any-return]

    def all_ports(self) -> dict[str, int]:
        """Return every named port."""
        return {name: self.port(name) for name in PORT_OFFSETS}


class ServicesSpec(Model):
    """Which program plays which part."""

    online_store: Literal["valkey"] = "valkey"
    offline_store: Literal["parquet"] = "parquet"
    #: ``local``: the control plane keeps lineage and speaks Marquez's API; a URL: it sends it to that Marquez too.
    lineage: Literal["local"] | Url = "local"
    identity: Issuer = "local"


class ProtectionSpec(Model):
    """What ``down`` keeps."""

    keep_data: bool = True


class SourceSpec(Model):
    """Where an environment's pairs come from: another environment's registry, by digest. It trains none itself.

    ``alias`` is the one whose pair is taken there (default: that environment's own alias). ``take``: ``on_up`` takes
    it with every `up`; ``by_hand`` waits for `groundplan promote --from … --to …`. ``registry``: ``own`` registers
    them here under numbers of its own; ``shared`` reads them in that environment's registry, under its numbers.
    """

    stack: Name
    alias: Name | None = None
    take: Literal["by_hand", "on_up"] = "by_hand"
    registry: Literal["own", "shared"] = "own"


class StackSpec(Model):
    """One environment."""

    name: Name
    target: Literal["local", "kind", "kubernetes", "aws"]
    alias: Name = "production"
    projects: tuple[Name, ...] = ()
    source: SourceSpec | None = None
    local: LocalSpec = LocalSpec()
    aws: AwsSpec | None = None
    kind: KindSpec = KindSpec()
    kubernetes: KubernetesSpec = KubernetesSpec()
    cluster: ClusterSpec = ClusterSpec()
    services: ServicesSpec = ServicesSpec()
    identity: IdentitySpec = IdentitySpec()
    access: tuple[GrantSpec, ...] = ()
    teams: dict[Name, TeamSpec] = {}
    admission: AdmissionSpec = AdmissionSpec()
    security: SecuritySpec = SecuritySpec()
    gitops: GitOpsSpec | None = None
    protection: ProtectionSpec = ProtectionSpec()
    cost: CostSpec = CostSpec()
    capacity: CapacitySpec = CapacitySpec()
    _owner: "StackSpec | None" = PrivateAttr(None)

    @property
    def owner(self) -> "StackSpec | None":
        """The stack whose registry this one reads, where it shares one: composition finds it."""
        return self._owner

    def reading(self, owner: "StackSpec") -> "StackSpec":
        """Return this stack as one that reads the registry of another."""
        found = self.model_copy()
        found._owner = owner
        return found

    def local_port(self, service: str) -> int:
        """Return where a service of the local target listens: MLflow, at the owner of the registry."""
        at = self._owner if self._owner and service == "mlflow" else self
        return at.local.port(service)
