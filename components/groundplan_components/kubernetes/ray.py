"""Ray by its operator: jobs that make features and train, and Serve, which answers requests."""

from collections.abc import Mapping

import pulumi

from groundplan.spec.cluster import NODE_PORTS, RayWorkersSpec
from groundplan_components.kubernetes import ray_operator
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.part import (
    DATA,
    ENVIRONMENT,
    Shared,
    code,
    encoded,
    http_probe,
    mounts_of,
    prepare,
)
from groundplan_components.kubernetes.pods import RESTRICTED, Container, Mount, Pod, Probes, Size
from groundplan_components.kubernetes.site import OPERATORS, PORTS, Site
from groundplan_components.kubernetes.workload import account, pods_service, reached

VERSION = "2.60.0"
SECRETS = (
    "database-feast", "objects-access-key", "objects-secret-key", "online-store", "mlflow-token", "ray-token",
    "serving-token",
)  # fmt: skip
#: The Secret by which the operator gets past Ray's door, with the key ``auth_token``.
AUTH = "ray-auth"
METRICS = 8085
#: Where Ray's agent on every node listens unless told otherwise. It and the head tell anybody whether they are well.
AGENT = 52365
HEAD_PORTS = {"gcs": 6379, "dashboard": PORTS["ray"], "serve": PORTS["serve"], "metrics": METRICS}
HEAD_WELL = Probes(http_probe("/api/gcs_healthz", "dashboard"))
WORKER_PORTS = {"serve": PORTS["serve"], "metrics": METRICS, "agent": AGENT}
#: The service that answers leads to every worker that is ready: to those that run a part of an application.
WORKER_WELL = Probes(http_probe("/-/healthz", "serve"), alive=http_probe("/api/local_raylet_healthz", "agent"))
ENV = {
    **ENVIRONMENT,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN_PATH": "/run/groundplan/secrets/ray-token",
    "RAY_AUTH_TOKEN": "",  # the operator would put the token itself here, for all who can read an environment
    "RAY_SERVE_DEFAULT_HTTP_HOST": "0.0.0.0",  # noqa: S104  (in a pod)
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_REPLICA_GRPC_MAX_MESSAGE_LENGTH": str(64 * 2**20),
}


class RayOperator(pulumi.ComponentResource):
    """KubeRay, from its pinned manifest: types, rights, the operator. It serves every namespace of the platform."""

    def __init__(self, title: str, site: Site, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:RayOperator", title, None, opts)
        kept = pulumi.ResourceOptions(parent=self)
        types = [declare(f"{title}-{each['metadata']['name']}", each, kept) for each in ray_operator.types()]
        self.objects = [
            declare(f"{title}-{suffix}", each, pulumi.ResourceOptions(parent=self, depends_on=types))
            for suffix, each in ray_operator.objects(site).items()
        ]
        self.register_outputs({})


class Ray(pulumi.ComponentResource):
    """What the cluster that serves needs before there is one: accounts of its pods, and how they are asked.

    The cluster itself is part of the RayService that the control plane makes with the first application.
    """

    def __init__(
        self,
        title: str,
        site: Site,
        shared: Shared,
        token: pulumi.Input[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("groundplan:kubernetes:Ray", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        head = _pod(site, shared, "ray-head", "ray_head", HEAD_PORTS)
        for each in (head, _pod(site, shared, "ray-worker", "ray_worker", WORKER_PORTS)):
            declare(f"{title}-{each.name}-account", account(each, site.place), own)
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": site.place.metadata(AUTH, "ray"), "type": "Opaque"}
        declare(f"{title}-auth", {**secret, "data": encoded({"auth_token": token})}, own)
        pods = pods_service("ray-pods", {"metrics": METRICS}, {"ray.io/is-ray-node": "yes"}, site.place)
        declare(f"{title}-pods", pods, own)
        declare(f"{title}-serve", _serve(site), own)
        if "ray" in site.nodeports:
            declare(f"{title}-door", _door(site), own)
        self.register_outputs({"address": site.url("ray")})


def ray_cluster(site: Site, shared: Shared) -> Manifest:
    """Return the ``rayClusterConfig`` of a RayService: a head, which holds Serve's controller, and groups of workers.

    The head hands out no GPU and no work of its own.
    """
    groups = sorted(site.cluster.ray_workers.items())
    scaled = any(workers.min < workers.max for _, workers in groups)
    head = _pod(site, shared, "ray-head", "ray_head", HEAD_PORTS, token=scaled)
    start = {"dashboard-host": "0.0.0.0", "disable-usage-stats": "true", "metrics-export-port": str(METRICS)}  # noqa: S104
    return {
        "rayVersion": VERSION,
        "authOptions": {"mode": "token", "secretName": AUTH},
        "headGroupSpec": {
            "serviceType": "ClusterIP",
            "rayStartParams": start | {"num-cpus": f"{max(int(site.size('ray_head').cpus), 1)}"},
            "template": head.template(site.place),
        },
        "workerGroupSpecs": [_group(site, shared, name, workers) for name, workers in groups],
        **(_autoscaling() if scaled else {}),
    }


def _group(site: Site, shared: Shared, name: str, workers: RayWorkersSpec) -> Manifest:
    pod = _pod(site, shared, "ray-worker", "ray_worker", WORKER_PORTS, gpus=workers.gpus)
    gpus = {"num-gpus": str(workers.gpus)} if workers.gpus else {}
    return {
        "groupName": name,
        "replicas": workers.min,
        "minReplicas": workers.min,
        "maxReplicas": workers.max,
        "numOfHosts": 1,
        "rayStartParams": {"disable-usage-stats": "true", "metrics-export-port": str(METRICS), **gpus},
        "template": pod.template(site.place),
    }


def _pod(
    site: Site, shared: Shared, name: str, part: str, ports: Mapping[str, int], gpus: int = 0, token: bool = False
) -> Pod:
    """The operator adds the command: `ray start`, as the head or with the head's address."""
    size = site.size(part, gpus)
    memory = {"emptyDir": {"medium": "Memory", "sizeLimit": f"{size.memory_mb // 4}Mi"}}
    mounts = (
        *mounts_of(SECRETS),
        Mount("scratch", DATA, {"emptyDir": {"sizeLimit": "4Gi"}}, read_only=False),
        Mount("shm", "/dev/shm", memory, read_only=False),  # noqa: S108
    )
    well = HEAD_WELL if part == "ray_head" else WORKER_WELL
    image = site.images["runtime"]
    environment = {**ENV, **code(image)}
    container = Container(name, image, (), size, ports=ports, environment=environment, mounts=mounts, probes=well)
    return Pod(
        name, part, (container,), init=(prepare(site, "runtime", SECRETS),), settings=shared.digest, token=token,
        stop_seconds=60, temporary_gb=10,
    )  # fmt: skip


def _autoscaling() -> Manifest:
    size = Size(0.1, 256, 0.5, 512)
    return {
        "enableInTreeAutoscaling": True,
        "autoscalerOptions": {
            "upscalingMode": "Default",
            "idleTimeoutSeconds": 120,
            "imagePullPolicy": "IfNotPresent",
            "resources": size.resources(),
            "securityContext": RESTRICTED,
            "env": [{"name": name, "value": value} for name, value in sorted(ENV.items())],
            "volumeMounts": [each.mount() for each in (Mount("tmp", "/tmp", None, False), *mounts_of(SECRETS))],  # noqa: S108
        },
    }


def _serve(site: Site) -> Manifest:
    """The operator leads this service to the head of the cluster that answers, and makes it where it is missing.

    It is there from the start, since who asks for the address of a name that is none is told so for half a minute more.
    """
    ports = [{"name": "serve", "port": PORTS["serve"], "targetPort": PORTS["serve"], "protocol": "TCP"}]
    return reached(site.place.metadata(OPERATORS["serve"], "ray"), {"type": "ClusterIP", "ports": ports})


def _door(site: Site) -> Manifest:
    ports = [
        {"name": name, "port": PORTS[name], "targetPort": PORTS[name], "nodePort": NODE_PORTS[name], "protocol": "TCP"}
        for name in ("ray", "serve")
    ]
    body = {"type": "NodePort", "selector": site.place.selector("ray-head"), "ports": ports}
    return reached(site.place.metadata("ray-door", "ray"), body)
