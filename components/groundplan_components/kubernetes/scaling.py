"""What makes a service larger: more pods when they are busy, or pods that ask for what they use.

By CPUs Kubernetes does it (HorizontalPodAutoscaler, autoscaling/v2); by what Prometheus counts KEDA does
(ScaledObject, https://keda.sh/docs/concepts/scaling-deployments); requests are right-sized by the
VerticalPodAutoscaler (autoscaling.k8s.io/v1). The latter two must be in the cluster.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from groundplan.spec.cluster import ScaleSpec
from groundplan_components.kubernetes.objects import Manifest
from groundplan_components.kubernetes.place import Place

#: Seconds of calm before pods go again.
CALM = 300


@dataclass(frozen=True)
class Scaling:
    """How one workload grows. ``low``: its replicas when nothing happens."""

    low: int
    scale: ScaleSpec | None = None
    right_size: str | None = None

    @property
    def moves(self) -> bool:
        """Whether an autoscaler says how many replicas there are: a declaration must not say it, too."""
        return self.scale is not None


def autoscalers(
    scaling: Scaling, name: str, component: str, kind: str, place: Place, prometheus: str
) -> Iterator[tuple[str, Manifest]]:
    """Yield suffix of the title → object. ``kind``: Deployment or StatefulSet; ``prometheus``: its address."""
    target = {"apiVersion": "apps/v1", "kind": kind, "name": name}
    metadata = place.metadata(name, component)
    if scaling.scale is not None and scaling.scale.events:
        spec = _by_events(scaling, scaling.scale, name, prometheus)
        yield "scaled", {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject", "metadata": metadata, "spec": spec}
    elif scaling.scale is not None:
        spec = _by_cpus(scaling, scaling.scale, target)
        head = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
        yield "scaled", {**head, "metadata": metadata, "spec": spec}
    if scaling.right_size is not None:
        mode = "Auto" if scaling.right_size == "apply" else "Off"
        spec = {"targetRef": target, "updatePolicy": {"updateMode": mode}}
        head = {"apiVersion": "autoscaling.k8s.io/v1", "kind": "VerticalPodAutoscaler"}
        yield "sized", {**head, "metadata": metadata, "spec": spec}


def _by_cpus(scaling: Scaling, scale: ScaleSpec, target: Manifest) -> Manifest:
    measured = {"type": "Utilization", "averageUtilization": scale.cpu_percent}
    return {
        "scaleTargetRef": target,
        "minReplicas": scaling.low,
        "maxReplicas": scale.max,
        "metrics": [{"type": "Resource", "resource": {"name": "cpu", "target": measured}}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": CALM}},
    }


def _by_events(scaling: Scaling, scale: ScaleSpec, name: str, prometheus: str) -> Manifest:
    events = [
        {
            "type": "prometheus",
            "metadata": {"serverAddress": prometheus, "query": each.query, "threshold": f"{each.threshold:g}"},
        }
        for each in scale.events
    ]
    cpus = {"type": "cpu", "metricType": "Utilization", "metadata": {"value": str(scale.cpu_percent)}}
    return {
        "scaleTargetRef": {"name": name},
        "minReplicaCount": scaling.low,
        "maxReplicaCount": scale.max,
        "cooldownPeriod": CALM,
        "triggers": [cpus, *events],
    }
