"""Objects for the table test: one that is in order, and for each rule what is done to it so that it is not."""

import copy
from collections.abc import Callable
from typing import Any

DIGEST = "sha256:" + "5" * 64
REGISTRY = "registry.example.org/ml"
RELEASED = "localhost/groundplan/runtime:0123456789abcdef"
Change = Callable[[dict[str, Any]], Any]


def template() -> dict[str, Any]:
    """A pod template in order."""
    security = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    container = {
        "name": "main",
        "image": f"{REGISTRY}/serving@{DIGEST}",
        "resources": {"limits": {"cpu": "1", "memory": "1Gi"}},
        "securityContext": security,
    }
    labels = {"app.kubernetes.io/component": "serving", "groundplan.dev/pair-version": "per-request"}
    spec = {
        "serviceAccountName": "flights-serving",
        "automountServiceAccountToken": False,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "initContainers": [{**copy.deepcopy(container), "name": "first"}],
    }
    return {"metadata": {"name": "x", "namespace": "flights", "labels": labels}, "spec": spec}


def wrap(kind: str, pod: dict[str, Any]) -> dict[str, Any]:
    """An object of a kind around a template."""
    ray = {"headGroupSpec": {"template": template()}, "workerGroupSpecs": [{"groupName": "w", "template": pod}]}
    specs: dict[str, Any] = {
        "CronJob": {"jobTemplate": {"spec": {"template": pod}}},
        "RayCluster": ray,
        "RayService": {"rayClusterConfig": ray},
        "RayJob": {"rayClusterSpec": ray},
    }
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": "Pod", **pod}
    return {"kind": kind, "metadata": {"name": "x", "namespace": "flights"}, "spec": specs.get(kind, {"template": pod})}


def _first(change: Change) -> Change:
    return lambda pod: change(pod["spec"]["containers"][0])


def _init(change: Change) -> Change:
    return lambda pod: change(pod["spec"]["initContainers"][0])


def _ephemeral(**fields: Any) -> Change:
    given = {"name": "debug", "image": f"{REGISTRY}/debug@{DIGEST}", **fields}
    return lambda pod: pod["spec"].update(ephemeralContainers=[given])


def _env(name: str, **entry: Any) -> Change:
    return _first(lambda c: c.update(env=[{"name": "PLAIN", "value": "x"}, {"name": name, **entry}]))


def _label(key: str, value: str | None) -> Change:
    return lambda pod: (
        pod["metadata"]["labels"].pop(key) if value is None else pod["metadata"]["labels"].update({key: value})
    )


def _own(name: str) -> Change:
    return lambda pod: pod["spec"].pop(name)


def _spec(**fields: Any) -> Change:
    return lambda pod: pod["spec"].update(fields)


#: rule → changes that break it and nothing else.
BAD: dict[str, list[Change]] = {
    "privileged": [
        _first(lambda c: c["securityContext"].update(privileged=True)),
        _init(lambda c: c["securityContext"].update(privileged=True)),
        _ephemeral(securityContext={"privileged": True}),
    ],
    "host-access": [
        _spec(hostNetwork=True),
        _spec(hostPID=True),
        _spec(hostIPC=True),
        _spec(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/"}}]),
    ],
    "run-as-root": [
        _own("securityContext"),
        _spec(securityContext={}),
        _first(lambda c: c["securityContext"].update(runAsNonRoot=False)),
        _init(lambda c: c["securityContext"].update(runAsNonRoot=False)),
    ],
    "unconfined": [
        _first(lambda c: c.pop("securityContext")),
        _first(lambda c: c["securityContext"].pop("allowPrivilegeEscalation")),
        _first(lambda c: c["securityContext"].update(allowPrivilegeEscalation=True)),
        _first(lambda c: c["securityContext"].pop("capabilities")),
        _init(lambda c: c["securityContext"]["capabilities"].update(drop=["NET_RAW"])),
    ],
    "missing-limits": [
        _first(lambda c: c.pop("resources")),
        _first(lambda c: c.update(resources={"requests": {"cpu": "1", "memory": "1Gi"}})),
        _first(lambda c: c["resources"]["limits"].pop("cpu")),
        _init(lambda c: c["resources"]["limits"].pop("memory")),
    ],
    "unpinned-image": [
        _first(lambda c: c.update(image="localhost/groundplan/runtime:latest")),
        _init(lambda c: c.update(image="localhost/groundplan/runtime:0123456789abcdef0")),
        _first(lambda c: c.update(image=f"{REGISTRY}/serving:1.2")),
        _first(lambda c: c.update(image=f"{REGISTRY}/serving")),
        _init(lambda c: c.update(image=f"{REGISTRY}/{RELEASED}")),
        _init(lambda c: c.update(image=f"{REGISTRY}/serving@{DIGEST[:-1]}")),
        _ephemeral(image=f"{REGISTRY}/debug:latest"),
    ],
    "foreign-registry": [
        _first(lambda c: c.update(image=f"docker.io/library/x@{DIGEST}")),
        _first(lambda c: c.update(image=f"{REGISTRY}-evil/x@{DIGEST}")),
        _init(lambda c: c.update(image=f"x@{DIGEST}")),
        _ephemeral(image=f"docker.io/x@{DIGEST}"),
    ],
    "unpaired-serving": [
        _label("groundplan.dev/pair-version", None),
        _label("groundplan.dev/pair-version", "production"),
        _label("groundplan.dev/pair-version", "0"),
        _label("groundplan.dev/pair-version", "3-beta"),
    ],
    "default-account": [_own("serviceAccountName"), _spec(serviceAccountName="default"), _spec(serviceAccountName="")],
    "api-token": [
        _own("automountServiceAccountToken"),
        _spec(automountServiceAccountToken=True),
        lambda pod: (_label("groundplan.dev/api-token", "no")(pod), _spec(automountServiceAccountToken=True)(pod)),
    ],
    "plain-secret": [
        _env("DATABASE_PASSWORD", value="x"),
        _env("AWS_SECRET", value="x"),
        _env("RAY_AUTH_TOKEN", value="x"),
    ],
    "run-credentials": [
        _spec(serviceAccountName="flights-run"),
        _spec(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b", "secret": {"secretName": "run-secrets"}}]),
        _spec(volumes=[{"name": "a", "projected": {"sources": [{"secret": {"name": "run-secrets"}}]}}]),
        _env("A", valueFrom={"secretKeyRef": {"name": "run-secrets", "key": "b"}}),
        _init(lambda c: c.update(envFrom=[{"secretRef": {"name": "run-secrets"}}])),
    ],
}
#: Changes that break nothing.
GOOD: list[Change] = [
    lambda pod: None,
    lambda pod: pod["metadata"].pop("labels"),
    _label("groundplan.dev/pair-version", "17"),
    _label("app.kubernetes.io/component", "training"),
    _own("initContainers"),
    _first(lambda c: c.update(image=RELEASED)),
    _first(lambda c: c.update(image="localhost/groundplan/runtime:fedcba9876543210")),
    _init(lambda c: c.update(image="localhost/groundplan/runtime:v1.22.3")),
    _spec(hostNetwork=False, hostPID=False, hostIPC=False, volumes=[{"name": "a", "emptyDir": {}}]),
    _first(lambda c: c["securityContext"].update(privileged=False, runAsNonRoot=True)),
    _env("DATABASE_PASSWORD", valueFrom={"secretKeyRef": {"name": "a", "key": "b"}}),
    _env("TOKENIZER", value="x"),
    _env("A", valueFrom={"fieldRef": {"fieldPath": "metadata.name"}}),
    _first(lambda c: c.update(envFrom=[{"configMapRef": {"name": "run-secrets"}}])),
    _spec(volumes=[{"name": "a", "secret": {"secretName": "own"}}]),
    _spec(volumes=[{"name": "a", "projected": {"sources": [{"configMap": {"name": "a"}}]}}]),
    _ephemeral(),
    lambda pod: (
        _label("groundplan.dev/api-token", "true")(pod),
        _spec(automountServiceAccountToken=True)(pod),
    ),
]


def service(**spec: Any) -> dict[str, Any]:
    """A Service of a team."""
    return {"kind": "Service", "metadata": {"name": "x", "namespace": "flights"}, "spec": {"ports": [], **spec}}


def ingress(**spec: Any) -> dict[str, Any]:
    """An Ingress of a team."""
    return {"kind": "Ingress", "metadata": {"name": "x", "namespace": "flights"}, "spec": {"rules": [], **spec}}


_DOOR = {**service(type="NodePort"), "metadata": {"name": "gateway", "namespace": "groundplan"}}
#: (rule, object, whether it is in order)
OBJECTS: list[tuple[str, dict[str, Any], bool]] = [
    ("own-door", service(), True),
    ("own-door", service(type="ClusterIP", externalIPs=[]), True),
    ("own-door", service(type="ExternalName", externalName="db.example.org"), True),
    ("own-door", service(type="NodePort"), False),
    ("own-door", service(type="LoadBalancer"), False),
    ("own-door", service(externalIPs=["192.0.2.1"]), False),
    ("own-door", _DOOR, True),
    ("plain-ingress", ingress(tls=[{"secretName": "x"}]), True),
    ("plain-ingress", ingress(tls=[]), False),
    ("plain-ingress", ingress(), False),
]
