"""A service in a cluster: Deployment or StatefulSet, with service account, service, disruption budget, doors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pulumi

from groundplan_components.kubernetes.objects import UNAWAITED, declare
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.pods import Manifest, Pod
from groundplan_components.kubernetes.scaling import autoscalers

PROMETHEUS = 9090
#: The new pod is ready before an old one goes.
ROLLING = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}
#: Every node takes a moment until its way to a pod that goes is closed; until then the pod answers.
STAYS = {"preStop": {"sleep": {"seconds": 5}}}


@dataclass(frozen=True)
class Storage:
    """The volume of a StatefulSet: claimed as ``data`` (a :class:`Mount` without source names it), and its size."""

    gigabytes: int
    name: str = "data"


@dataclass(frozen=True)
class WorkloadSpec:
    """One service. With ``storage`` it is a StatefulSet, else a Deployment. ``doors``: port's name → node port."""

    pod: Pod
    replicas: int = 1
    storage: Storage | None = None
    #: Never two at once, not even while one replaces the other.
    alone: bool = False
    #: A port that every pod is asked at by itself, for its figures: name → number.
    figures: Mapping[str, int] = field(default_factory=dict)
    #: Service port → name of the container's port; default: every port of the first container under its own number.
    service: Mapping[str, int] | None = None
    doors: Mapping[str, int] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of everything that it is made of."""
        return self.pod.name


class Workload(pulumi.ComponentResource):
    """The objects of one service. ``address``: its name inside the cluster; ``workload``: what holds its pods."""

    address: str
    workload: pulumi.CustomResource

    def __init__(
        self, kind: str, title: str, spec: WorkloadSpec, place: Place, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(f"groundplan:kubernetes:{kind}", title, None, opts)
        self.address = address(spec.name, place)
        found = manifests(spec, place)
        own = pulumi.ResourceOptions(parent=self)
        # First: pods whose account is not there yet are refused, and asked for again only after a while.
        first = declare(f"{title}-account", found.pop("account"), own)
        after = pulumi.ResourceOptions(parent=self, depends_on=[first])
        made = {
            suffix: declare(f"{title}-{suffix}", manifest, after if suffix == "workload" else own)
            for suffix, manifest in found.items()
        }
        self.workload = made["workload"]
        self.register_outputs({"address": self.address})


def address(name: str, place: Place) -> str:
    """Return the name by which a service is found from any namespace."""
    return f"{name}.{place.namespace}.svc"


def manifests(spec: WorkloadSpec, place: Place) -> dict[str, Manifest]:
    """Return every object of a service, in the order in which they are applied: suffix of its title → manifest."""
    found = {"account": account(spec.pod, place)}
    if _ports(spec):
        found["service"] = _service(spec, place)
    if spec.figures:
        found["pods"] = pods_service(f"{spec.name}-pods", spec.figures, place.selector(spec.name), place)
    found["budget"] = _budget(spec, place)
    if spec.doors:
        found["door"] = _door(spec, place)
    found["workload"] = _stateful_set(spec, place) if spec.storage else _deployment(spec, place)
    return {**found, **_autoscalers(spec, place)}


def _autoscalers(spec: WorkloadSpec, place: Place) -> dict[str, Manifest]:
    if spec.pod.scaling is None:
        return {}
    kind = "StatefulSet" if spec.storage else "Deployment"
    prometheus = f"http://{address('prometheus', place)}:{PROMETHEUS}"
    return dict(autoscalers(spec.pod.scaling, spec.name, spec.pod.component, kind, place, prometheus))


def account(pod: Pod, place: Place) -> Manifest:
    """Return the service account of one workload: its own, without a token unless it needs one."""
    metadata = place.metadata(pod.account or pod.name, pod.component)
    return _object("v1", "ServiceAccount", metadata) | {"automountServiceAccountToken": False}


def role_of(maker: str, home: str, metadata: Manifest, rules: Sequence[Manifest]) -> dict[str, Manifest]:
    """Return a Role of these rules and its RoleBinding, both with ``metadata``, to account ``maker`` of ``home``."""
    group = "rbac.authorization.k8s.io"
    role = _object(f"{group}/v1", "Role", metadata) | {"rules": list(rules)}
    binding = _object(f"{group}/v1", "RoleBinding", metadata) | {
        "roleRef": {"apiGroup": group, "kind": "Role", "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": maker, "namespace": home}],
    }
    return {"role": role, "role-binding": binding}


def _service(spec: WorkloadSpec, place: Place) -> Manifest:
    ports = [{"name": name, "port": port, "targetPort": name, "protocol": "TCP"} for name, port in _ports(spec).items()]
    body = {"type": "ClusterIP", "selector": place.selector(spec.name), "ports": ports}
    return reached(place.metadata(spec.name, spec.pod.component), body)


def _door(spec: WorkloadSpec, place: Place) -> Manifest:
    """A service of its own for what is reached from outside: taking it away leaves the inside as it is."""
    known = _ports(spec)
    ports = [
        {"name": name, "port": known[name], "targetPort": name, "nodePort": node, "protocol": "TCP"}
        for name, node in spec.doors.items()
    ]
    body = {"type": "NodePort", "selector": place.selector(spec.name), "ports": ports}
    return reached(place.metadata(f"{spec.name}-door", spec.pod.component), body)


def pods_service(name: str, ports: Mapping[str, int], selector: Mapping[str, str], place: Place) -> Manifest:
    """Return a service without an address of its own: its name leads to every pod, ready or not."""
    listed = [{"name": each, "port": port, "targetPort": port, "protocol": "TCP"} for each, port in ports.items()]
    body = {"clusterIP": "None", "publishNotReadyAddresses": True, "selector": dict(selector), "ports": listed}
    return reached(place.metadata(name, "figures"), body)


def reached(metadata: Mapping[str, object], body: Manifest) -> Manifest:
    """Return a Service. It is not waited for: its pods are, and Services that wait for pods which are not begun yet
    would take the places that those need (Pulumi does so many things at a time, four for each of its CPUs)."""
    return _object("v1", "Service", {**metadata, "annotations": UNAWAITED}, body)


def _budget(spec: WorkloadSpec, place: Place) -> Manifest:
    """One pod at a time may be moved: never none of several, and a single one never holds up a node's upgrade."""
    body = {
        "maxUnavailable": 1,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {"matchLabels": place.selector(spec.name)},
    }
    return _object("policy/v1", "PodDisruptionBudget", place.metadata(spec.name, spec.pod.component), body)


def _deployment(spec: WorkloadSpec, place: Place) -> Manifest:
    said = {} if spec.pod.scaling and spec.pod.scaling.moves else {"replicas": spec.replicas}
    template = spec.pod.template(place)
    if not spec.alone:
        template["spec"]["containers"][0]["lifecycle"] = STAYS
    body = {
        **said,
        "revisionHistoryLimit": 3,
        "selector": {"matchLabels": place.selector(spec.name)},
        "strategy": {"type": "Recreate"} if spec.alone else ROLLING,
        "template": template,
    }
    return _object("apps/v1", "Deployment", place.metadata(spec.name, spec.pod.component), body)


def _stateful_set(spec: WorkloadSpec, place: Place) -> Manifest:
    kept = "Retain" if place.keep else "Delete"
    body = {
        "replicas": spec.replicas,
        "revisionHistoryLimit": 3,
        "serviceName": spec.name,
        "podManagementPolicy": "OrderedReady",
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": kept, "whenScaled": "Retain"},
        "selector": {"matchLabels": place.selector(spec.name)},
        "updateStrategy": {"type": "RollingUpdate"},
        "template": spec.pod.template(place),
        "volumeClaimTemplates": [claim(spec.storage, place, spec.name)] if spec.storage else [],
    }
    return _object("apps/v1", "StatefulSet", place.metadata(spec.name, spec.pod.component), body)


def claim(storage: Storage, place: Place, name: str) -> Manifest:
    """Return the claim of one volume. Its labels are its workload's: what is kept is found by them later."""
    stored = {"storageClassName": place.storage_class} if place.storage_class else {}
    return {
        "metadata": {"name": storage.name, "labels": place.selector(name)},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "volumeMode": "Filesystem",
            "resources": {"requests": {"storage": f"{storage.gigabytes}Gi"}},
            **stored,
        },
    }


def _ports(spec: WorkloadSpec) -> Mapping[str, int]:
    return spec.service if spec.service is not None else spec.pod.containers[0].ports


def _object(version: str, kind: str, metadata: Mapping[str, Any], body: Mapping[str, Any] | None = None) -> Manifest:
    found: Manifest = {"apiVersion": version, "kind": kind, "metadata": dict(metadata)}
    return found | ({"spec": dict(body)} if body is not None else {})
