"""Where pods are declared: the kinds of Kubernetes and KubeRay, and the way to the templates in them."""

from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.rules.model import Object, Shape, Template


def _at(thing: Any, *path: str) -> Mapping[str, Any]:
    for key in path:
        thing = thing.get(key) if isinstance(thing, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}


def _ray(cluster: Object) -> Sequence[Template]:
    groups = [cluster.get("headGroupSpec") or {}, *(cluster.get("workerGroupSpecs") or ())]
    return [group["template"] for group in groups if group.get("template")]


def _ray_cel(at: str) -> str:
    head = f"(has({at}.headGroupSpec) && has({at}.headGroupSpec.template) ? [{at}.headGroupSpec.template] : [])"
    workers = f"(has({at}.workerGroupSpecs) ? {at}.workerGroupSpecs.filter(g, has(g.template)).map(g, g.template) : [])"
    return f"{head} + {workers}"


def _ray_below(at: str) -> str:
    return f"has(object.spec.{at}) ? {_ray_cel('object.spec.' + at)} : []"


_SAME_POD = (
    "object.spec == oldObject.spec && has(object.metadata.labels) && has(oldObject.metadata.labels)"
    " && object.metadata.labels == oldObject.metadata.labels"
)
SHAPES: tuple[Shape, ...] = (
    Shape("pods", ("Pod",), "", "v1", ("pods", "pods/ephemeralcontainers"), "[object]", lambda o: [o], _SAME_POD),
    Shape(
        "workloads",
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"),
        "apps",
        "v1",
        ("deployments", "statefulsets", "daemonsets", "replicasets"),
        "[object.spec.template]",
        lambda o: [_at(o, "spec", "template")],
    ),
    Shape("jobs", ("Job",), "batch", "v1", ("jobs",), "[object.spec.template]", lambda o: [_at(o, "spec", "template")]),
    Shape(
        "cronjobs",
        ("CronJob",),
        "batch",
        "v1",
        ("cronjobs",),
        "[object.spec.jobTemplate.spec.template]",
        lambda o: [_at(o, "spec", "jobTemplate", "spec", "template")],
    ),
    Shape(
        "rayclusters",
        ("RayCluster",),
        "ray.io",
        "v1",
        ("rayclusters",),
        _ray_cel("object.spec"),
        lambda o: _ray(_at(o, "spec")),
    ),
    Shape(
        "rayservices",
        ("RayService",),
        "ray.io",
        "v1",
        ("rayservices",),
        _ray_below("rayClusterConfig"),
        lambda o: _ray(_at(o, "spec", "rayClusterConfig")),
    ),
    Shape(
        "rayjobs",
        ("RayJob",),
        "ray.io",
        "v1",
        ("rayjobs",),
        _ray_below("rayClusterSpec"),
        lambda o: _ray(_at(o, "spec", "rayClusterSpec")),
    ),
    Shape("services", ("Service",), "", "v1", ("services",)),
    Shape("ingresses", ("Ingress",), "networking.k8s.io", "v1", ("ingresses",)),
)
