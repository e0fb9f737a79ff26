"""The command lines of the control plane's programs."""

from dataclasses import dataclass
from pathlib import Path

from tests.support.kube.credentials import Credentials
from tests.support.kube.programs import Programs

SERVICES, PODS = "10.96.0.0/16", "10.244.0.0/16"
#: First address of the services' range: the API server's own Service.
FIRST_SERVICE = "10.96.0.1"


@dataclass(frozen=True)
class Ports:
    """Where each program listens. All of them on ``Places.address`` or on loopback."""

    etcd: int
    peers: int
    api: int
    manager: int
    scheduler: int
    kwok: int


@dataclass(frozen=True)
class Places:
    """What the commands are made of. ``address`` is where the API server listens, ``advertised`` how pods reach it."""

    programs: Programs
    credentials: Credentials
    folder: Path
    ports: Ports
    address: str = "127.0.0.1"
    #: Kubernetes refuses a loopback address here; without real pods nobody calls it.
    advertised: str = "10.255.255.1"

    @property
    def server(self) -> str:
        """Address of the API server."""
        return f"https://{self.address}:{self.ports.api}"


def etcd(places: Places) -> list[str | Path]:
    """The store, without waiting for the disk: a test's data may be lost."""
    clients = f"http://127.0.0.1:{places.ports.etcd}"
    peers = f"http://127.0.0.1:{places.ports.peers}"
    return [
        places.programs.etcd / "etcd",
        f"--data-dir={places.folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def api_server(places: Places) -> list[str | Path]:
    """The API server with RBAC, all default admission plugins and NodeRestriction."""
    crt = places.credentials.path
    return [
        places.programs.kubernetes / "kube-apiserver",
        f"--etcd-servers=http://127.0.0.1:{places.ports.etcd}",
        f"--bind-address={places.address}",
        f"--secure-port={places.ports.api}",
        f"--advertise-address={places.advertised}",
        f"--tls-cert-file={crt('apiserver.crt')}",
        f"--tls-private-key-file={crt('apiserver.key')}",
        f"--client-ca-file={crt('ca.crt')}",
        f"--kubelet-client-certificate={crt('kubelet-client.crt')}",
        f"--kubelet-client-key={crt('kubelet-client.key')}",
        "--kubelet-preferred-address-types=InternalIP",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={crt('service-account.key')}",
        f"--service-account-signing-key-file={crt('service-account.key')}",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        "--profiling=false",
        *_front_proxy(places),
    ]


def _front_proxy(places: Places) -> list[str]:
    """What an aggregated API (metrics-server) needs."""
    crt = places.credentials.path
    return [
        f"--requestheader-client-ca-file={crt('ca.crt')}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-username-headers=X-Remote-User",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        f"--proxy-client-cert-file={crt('front-proxy.crt')}",
        f"--proxy-client-key-file={crt('front-proxy.key')}",
    ]


def controller_manager(places: Places) -> list[str | Path]:
    """All default controllers, each under its own service account."""
    crt, config = places.credentials.path, places.credentials.kubeconfig("controller-manager", places.server)
    return [
        places.programs.kubernetes / "kube-controller-manager",
        *(f"--{word}kubeconfig={config}" for word in ("", "authentication-", "authorization-")),
        "--bind-address=127.0.0.1",
        f"--secure-port={places.ports.manager}",
        "--leader-elect=false",
        "--use-service-account-credentials=true",
        f"--service-account-private-key-file={crt('service-account.key')}",
        f"--root-ca-file={crt('ca.crt')}",
        f"--cluster-signing-cert-file={crt('ca.crt')}",
        f"--cluster-signing-key-file={crt('ca.key')}",
        "--allocate-node-cidrs=true",
        f"--cluster-cidr={PODS}",
        f"--service-cluster-ip-range={SERVICES}",
        "--horizontal-pod-autoscaler-sync-period=3s",
    ]


def scheduler(places: Places) -> list[str | Path]:
    """The default scheduler."""
    config = places.credentials.kubeconfig("scheduler", places.server)
    return [
        places.programs.kubernetes / "kube-scheduler",
        *(f"--{word}kubeconfig={config}" for word in ("", "authentication-", "authorization-")),
        "--bind-address=127.0.0.1",
        f"--secure-port={places.ports.scheduler}",
        "--leader-elect=false",
    ]


def kwok(places: Places, stages: Path) -> list[str | Path]:
    """The simulator of nodes and their pods; it leaves nodes without its annotation alone."""
    crt = places.credentials.path
    return [
        places.programs.kwok / "kwok",
        f"--config={stages}",
        f"--kubeconfig={places.credentials.kubeconfig('admin', places.server)}",
        "--manage-all-nodes=false",
        "--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake",
        f"--cidr={PODS}",
        "--node-ip=127.0.0.1",
        f"--node-port={places.ports.kwok}",
        f"--server-address=127.0.0.1:{places.ports.kwok}",
        f"--tls-cert-file={crt('apiserver.crt')}",
        f"--tls-private-key-file={crt('apiserver.key')}",
        "--node-lease-duration-seconds=40",
    ]
