"""What all parts of the platform in one cluster share: their place, images, sizes, addresses, doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from groundplan.spec import ClusterSpec
from groundplan.spec.cluster import NODE_PORTS, DoorName
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.pods import Size
from groundplan_components.kubernetes.scaling import Scaling
from groundplan_components.kubernetes.sizes import scaling, size

#: Service → port inside the cluster.
PORTS = {
    "database": 5432,
    "objects": 8333,
    "online-store": 6379,
    "mlflow": 5000,
    "feast": 6566,
    "controlplane": 8080,
    "identity": 8081,
    "gateway": 8443,
    "ray": 8265,
    "serve": 8000,
    "prometheus": 9090,
    "grafana": 3000,
}
RAY = "ray"
#: Services that KubeRay names, after the RayService: its head's dashboard, and what answers requests.
OPERATORS = {"ray": f"{RAY}-head-svc", "serve": f"{RAY}-serve-svc"}
Door = Mapping[str, int]


@dataclass(frozen=True)
class Site:
    """One platform in one cluster. ``outside``: how its doors are reached, by an ingress' host or node ports."""

    place: Place
    cluster: ClusterSpec
    images: Mapping[str, str]
    outside: Mapping[DoorName, str]
    #: Doors that every node opens; none where an ingress leads to them.
    nodeports: frozenset[DoorName]
    issuer: str
    #: Whether proxies of the stack's own have the gateway's door.
    proxied: bool = False
    projects: Sequence[str] = ()
    #: Projects that hold personal data → their applications that answer with what comes of it.
    personal: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    #: Project → its team, that team's namespace, and the account of the project's runs there.
    homes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lineage: str | None = None
    #: Secrets that nobody has here, since a cloud gives pods roles instead.
    without: frozenset[str] = frozenset()

    def address(self, service: str) -> str:
        """Return ``host:port`` of a service, as any pod reaches it."""
        host = OPERATORS.get(service, service)
        return f"{host}.{self.place.namespace}.svc:{PORTS[service]}"

    def url(self, service: str) -> str:
        """Return the URL of a service that speaks HTTP, as any pod reaches it."""
        return f"http://{self.address(service)}"

    def door(self, name: DoorName, port: str = "http") -> Door:
        """Return the node port of what is reached from outside; none where an ingress leads to it."""
        return {port: NODE_PORTS[name]} if name in self.nodeports else {}

    def hosts(self, name: DoorName) -> tuple[str, ...]:
        """Return the names by which a service is called, each with its port: a request for another is refused."""
        inside = self.address(name)
        outer = urlsplit(self.outside[name]).netloc
        return tuple(host for host in (inside, inside.partition(".")[0] + f":{PORTS[name]}", outer) if host)

    def scaling(self, part: str) -> Scaling:
        """Return how a part grows."""
        return scaling(part, self.cluster)

    def size(self, part: str, gpus: int = 0) -> Size:
        """Return what one pod of a part may use."""
        return size(part, self.cluster, gpus)

    def endpoints(self) -> dict[str, str]:
        """Return the platform's own services by the names of ``runtime.json``."""
        declared = {"lineage": self.lineage} if self.lineage else {}
        own = {name: self.url(name) for name in ("mlflow", "feast", "controlplane", "ray", "serve", "identity")}
        return own | {"gateway": self.outside["gateway"]} | declared
