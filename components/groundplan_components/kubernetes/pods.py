"""One pod template for every workload: restricted, limited, probed. Pure: dictionaries as Kubernetes wants them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi

from groundplan.rules.identity import TOKEN_LABEL
from groundplan_components.kubernetes.place import OWN, Place
from groundplan_components.kubernetes.scaling import Scaling

Manifest = dict[str, Any]
#: The user that all our images run as; it has no name and owns nothing in them.
USER = 10001
GPU = "nvidia.com/gpu"
RESTRICTED: Manifest = {
    "allowPrivilegeEscalation": False,
    "privileged": False,
    "readOnlyRootFilesystem": True,
    "runAsNonRoot": True,
    "capabilities": {"drop": ["ALL"]},
}


@dataclass(frozen=True)
class Size:
    """What a container asks for and may not exceed: CPUs, MiB of memory, GPUs."""

    cpus: float
    memory_mb: int
    cpu_limit: float
    memory_limit_mb: int
    gpus: int = 0

    def resources(self) -> Manifest:
        """Return it as Kubernetes' requests and limits."""
        gpus = {GPU: str(self.gpus)} if self.gpus else {}
        return {
            "requests": {"cpu": _cpus(self.cpus), "memory": f"{self.memory_mb}Mi", **gpus},
            "limits": {"cpu": _cpus(self.cpu_limit), "memory": f"{self.memory_limit_mb}Mi", **gpus},
        }


#: For the short work of an init container.
SMALL = Size(0.05, 128, 1, 512)


@dataclass(frozen=True)
class Mount:
    """A volume at a path. ``source`` as in a pod's ``volumes``, without the name; None: a claim of the StatefulSet."""

    name: str
    path: str
    source: Mapping[str, Any] | None = None
    read_only: bool = True
    sub_path: str | None = None

    def mount(self) -> Manifest:
        """Return the container's half."""
        sub = {"subPath": self.sub_path} if self.sub_path else {}
        return {"name": self.name, "mountPath": self.path, "readOnly": self.read_only, **sub}


@dataclass(frozen=True)
class Probes:
    """The one question by which a container is started, ready and alive: ``{"httpGet": …}``, ``{"exec": …}``.

    ``alive``: another one for liveness, where readiness asks for more than a restart would mend.
    """

    ready: Mapping[str, Any]
    alive: Mapping[str, Any] | None = None
    start_seconds: int = 300
    timeout_seconds: int = 10

    def of(self) -> Manifest:
        """Return the three probes of a container."""
        alive = dict(self.alive or self.ready)
        each = {"timeoutSeconds": self.timeout_seconds}
        return {
            "startupProbe": {**alive, **each, "periodSeconds": 5, "failureThreshold": max(self.start_seconds // 5, 1)},
            "readinessProbe": {**self.ready, **each, "periodSeconds": 10, "failureThreshold": 3},
            "livenessProbe": {**alive, **each, "periodSeconds": 20, "failureThreshold": 6},
        }


@dataclass(frozen=True)
class Container:
    """What runs; without ``command``, what its image says. Secrets are in files, never here."""

    name: str
    image: str
    command: tuple[str, ...]
    size: Size
    ports: Mapping[str, int] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    probes: Probes | None = None

    def manifest(self) -> Manifest:
        """Return the container of a pod."""
        ports = [{"name": name, "containerPort": port, "protocol": "TCP"} for name, port in self.ports.items()]
        found: Manifest = {
            "name": self.name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "env": [{"name": name, "value": value} for name, value in sorted(self.environment.items())],
            "resources": self.size.resources(),
            "securityContext": RESTRICTED,
            "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}, *(each.mount() for each in self.mounts)],  # noqa: S108
        }
        found |= {"command": list(self.command)} if self.command else {}
        return found | ({"ports": ports} if ports else {}) | (self.probes.of() if self.probes else {})


@dataclass(frozen=True)
class Pod:
    """What a workload's pods are. ``account``: the service account; ``token``: whether they get its token.

    ``settings``: a digest of what is mounted into them; a change of it rolls them.
    """

    name: str
    component: str
    containers: tuple[Container, ...]
    init: tuple[Container, ...] = ()
    account: str | None = None
    token: bool = False
    settings: pulumi.Input[str] = ""
    stop_seconds: int = 30
    restart: str = "Always"
    user: int = USER
    #: GiB that its containers may write to /tmp.
    temporary_gb: int = 1
    scaling: Scaling | None = None

    @property
    def gpus(self) -> int:
        """How many GPUs its containers ask for."""
        return sum(each.size.gpus for each in self.containers)

    def template(self, place: Place) -> Manifest:
        """Return the pod template."""
        notes = {f"{OWN}/settings": self.settings} if self.settings else {}
        # A pod that talks to the API server says so, or the admission rules refuse it.
        token = {TOKEN_LABEL: "true"} if self.token else {}
        metadata: Manifest = {"labels": place.labels(self.name, self.component) | token, "annotations": notes}
        return {"metadata": metadata, "spec": self.spec(place)}

    def spec(self, place: Place) -> Manifest:
        """Return the pod's spec: Pod Security ``restricted``, apart from its like, no token unless asked for."""
        pull = {"imagePullSecrets": [{"name": place.pull_secret}]} if place.pull_secret else {}
        gpus = {"tolerations": [{"key": GPU, "operator": "Exists", "effect": "NoSchedule"}]} if self.gpus else {}
        init = {"initContainers": [each.manifest() for each in self.init]} if self.init else {}
        return {
            "serviceAccountName": self.account or self.name,
            "automountServiceAccountToken": self.token,
            "enableServiceLinks": False,  # else every service is in the environment, as VALKEY_PORT and the like
            "securityContext": _user(self.user),
            "restartPolicy": self.restart,
            "terminationGracePeriodSeconds": self.stop_seconds,
            "affinity": {"podAntiAffinity": _apart(place.selector(self.name))},
            **init,
            "containers": [each.manifest() for each in self.containers],
            "volumes": self._volumes(),
            **gpus,
            **pull,
        }

    def _volumes(self) -> list[Manifest]:
        mounts = [mount for each in (*self.init, *self.containers) for mount in each.mounts]
        named = {mount.name: {"name": mount.name, **mount.source} for mount in mounts if mount.source is not None}
        return [{"name": "tmp", "emptyDir": {"sizeLimit": f"{self.temporary_gb}Gi"}}, *named.values()]


def _user(user: int) -> Manifest:
    return {
        "runAsNonRoot": True,
        "runAsUser": user,
        "runAsGroup": user,
        "fsGroup": user,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _apart(selector: Mapping[str, str]) -> Manifest:
    """Replicas on different nodes where there are as many: a wish, or one node could not run two."""
    term = {"labelSelector": {"matchLabels": dict(selector)}}
    wishes = ((100, "kubernetes.io/hostname"), (50, "topology.kubernetes.io/zone"))
    return {
        "preferredDuringSchedulingIgnoredDuringExecution": [
            {"weight": weight, "podAffinityTerm": {**term, "topologyKey": key}} for weight, key in wishes
        ]
    }


def _cpus(cpus: float) -> str:
    return f"{round(cpus * 1000)}m"
