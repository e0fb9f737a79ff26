"""Who talks to whom: one table for the platform's own parts, and from the plan's edges what each project adds.

Everything else is denied. The table is what the cluster's network policies are made from, and what a test asks.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from groundplan.plan import Plan
from groundplan.spec import TeamSpec, namespace_of

#: Part → the ports that it answers at inside the cluster.
PORTS: Mapping[str, tuple[int, ...]] = {
    "database": (5432,),
    "objects": (8333,),
    "online_store": (6379,),
    "mlflow": (5000,),
    "feast": (6566,),
    "controlplane": (8080,),
    "identity": (8081,),
    "gateway": (8443,),
    "prometheus": (9090,),
    "grafana": (3000,),
    "ray_head": (8000, 8265),
    "ray_worker": (8000,),
    "gateway_operator": (18000,),
    "proxy": (10443,),
}
#: What Ray's pods tell Prometheus, the port at which an application answers, and where jobs are handed in.
METRICS, SERVE, DASHBOARD = 8085, 8000, 8265
#: What the gateway's proxy tells Prometheus.
STATISTICS = 9901
#: Door to the outside → the part behind it, and the port that is asked.
DOORS: Mapping[str, tuple[str, int]] = {
    "gateway": ("gateway", 8443),
    "controlplane": ("controlplane", 8080),
    "serve": ("ray_head", SERVE),
    "ray": ("ray_head", DASHBOARD),
    "mlflow": ("mlflow", 5000),
    "prometheus": ("prometheus", 9090),
    "grafana": ("grafana", 3000),
}
#: The API server of any cluster: behind its service, or at its own port.
API_PORTS = (443, 6443)
ANYWHERE = "0.0.0.0/0"


@dataclass(frozen=True, order=True)
class Peer:
    """One end of a flow: pods of a namespace with some labels, or (``cidr``) addresses outside of the cluster."""

    name: str
    namespace: str = ""
    labels: tuple[tuple[str, str], ...] = ()
    cidr: str = ""


@dataclass(frozen=True, order=True)
class Flow:
    """One may open connections to the other at TCP ``ports``; none given: at all of them."""

    source: Peer
    target: Peer
    ports: tuple[int, ...]
    why: str


#: (from, to, why) among the platform's parts, at the target's ports.
PARTS: tuple[tuple[str, str, str], ...] = (
    ("database", "database", "its setup makes a role and a database for each service"),
    ("objects", "objects", "its setup makes the buckets"),
    ("mlflow", "database", "rows of runs and models"),
    ("mlflow", "objects", "artifacts"),
    ("feast", "database", "the feature registry"),
    ("feast", "online_store", "online features"),
    ("identity", "database", "users and keys"),
    ("controlplane", "database", "registry, history, audit"),
    ("controlplane", "objects", "code, features, checkpoints of the audit trail"),
    ("controlplane", "online_store", "what is materialized, and its freshness"),
    ("controlplane", "mlflow", "pairs of models"),
    ("controlplane", "ray_head", "the serving applications"),
    ("controlplane", "ray_worker", "whether they answer"),
    ("gateway", "identity", "keys of tokens, sign-in"),
    ("gateway", "controlplane", "API and catalogue"),
    ("gateway", "mlflow", "runs and models"),
    ("gateway", "feast", "online features"),
    ("gateway", "ray_head", "predictions, and Ray's dashboard"),
    ("gateway", "ray_worker", "predictions"),
    ("gateway", "grafana", "dashboards"),
    ("ray_head", "database", "the feature registry"),
    ("ray_head", "objects", "data and artifacts"),
    ("ray_head", "online_store", "online features"),
    ("ray_head", "mlflow", "runs and models"),
    ("ray_head", "controlplane", "pointers of aliases, events"),
    ("ray_worker", "database", "the feature registry"),
    ("ray_worker", "objects", "data and artifacts"),
    ("ray_worker", "online_store", "online features"),
    ("ray_worker", "mlflow", "runs and models"),
    ("ray_worker", "controlplane", "pointers of aliases, events"),
    ("ray_operator", "ray_head", "the state of Ray's clusters"),
    ("grafana", "prometheus", "series"),
    ("backup", "database", "a dump"),
    ("backup", "objects", "a copy"),
)
#: The same where the stack's own proxies are before the gateway.
PROXIED: tuple[tuple[str, str, str], ...] = (
    ("proxy", "gateway_operator", "what it shall do"),
    ("proxy", "gateway", "people and programs"),
)
#: Parts whose pods talk among each other at ports of their own choosing.
MESHES = (("ray_head", "ray_worker"),)
#: Parts that ask the API server.
API_CLIENTS = ("ray_operator", "ray_head", "controlplane")
#: Parts that may be a cloud's instead of ours: they are outside of the cluster then. S3 is reached at any address.
DATA = ("database", "objects", "online_store")
HTTPS = (443,)
#: Node of the plan → the parts that the project's runs need for it; as ``groundplan_runtime.isolation.access`` has it.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "DataSource": ("objects",),
    "FeatureView": ("objects",),
    "Materialization": ("database", "objects", "online_store"),
    "Model": ("objects", "mlflow"),
    "Alias": ("objects", "mlflow", "online_store"),
    "ServingApplication": ("objects", "mlflow"),
}


@dataclass(frozen=True)
class Land:
    """Where things are: the platform's namespace, the prefix of teams' namespaces, doors to the outside, the API.

    ``data``: the network of the data services where they are a cloud's; nothing where they run in the cluster.
    ``calls``: (part, what, port) of services elsewhere that the stack names, as another issuer: a policy knows
    addresses, and theirs change. ``proxied``: proxies of the stack's own have the gateway's door.
    """

    platform: str = "groundplan"
    prefix: str = ""
    doors: tuple[str, ...] = ("gateway", "controlplane")
    api_server: str = ANYWHERE
    data: str = ""
    calls: tuple[tuple[str, str, int], ...] = ()
    proxied: bool = False


def flows_of(plan: Plan, teams: Mapping[str, TeamSpec], land: Land) -> tuple[Flow, ...]:
    """Return every flow that is allowed, sorted."""
    found = {*_platform(land), *_outside(teams, land)}
    for team, spec in teams.items():
        for project in spec.projects:
            found.update(_project(plan, project, namespace_of(team, land.prefix), land))
    return tuple(sorted(found))


def part(name: str, land: Land) -> Peer:
    """Return the pods of one part of the platform."""
    return Peer(name, land.platform, (("app.kubernetes.io/component", name),))


def to_part(source: Peer, target: str, land: Land, why: str) -> Flow:
    """Return the flow to one part, wherever it runs."""
    if not (land.data and target in DATA):
        return Flow(source, part(target, land), PORTS[target], why)
    if target == "objects":
        return Flow(source, Peer(target, cidr=ANYWHERE), HTTPS, why)
    return Flow(source, Peer(target, cidr=land.data), PORTS[target], why)


def workloads(project: str, namespace: str, component: str = "") -> Peer:
    """Return the pods of a project, or only those of one component of it (``serving``)."""
    labels = [("groundplan.dev/project", namespace_of(project))]
    if component:
        labels.append(("app.kubernetes.io/component", component))
    return Peer("-".join((namespace_of(project), component)).rstrip("-"), namespace, tuple(sorted(labels)))


def _platform(land: Land) -> Iterator[Flow]:
    for source, target, why in PARTS + (PROXIED if land.proxied else ()):
        if not (land.data and source in DATA):
            yield to_part(part(source, land), target, land, why)
    yield Flow(part("prometheus", land), part("gateway", land), (STATISTICS,), "metrics")
    for mesh in MESHES:
        for source in mesh:
            yield from (Flow(part(source, land), part(target, land), (), "Ray among itself") for target in mesh)
    for name in API_CLIENTS + (("gateway_operator",) if land.proxied else ()):
        yield Flow(part(name, land), Peer("api-server", cidr=land.api_server), API_PORTS, "the API server")
    ray = part("ray_head", land), part("ray_worker", land)
    yield from (Flow(part("prometheus", land), each, (METRICS,), "metrics") for each in ray)


def _outside(teams: Mapping[str, TeamSpec], land: Land) -> Iterator[Flow]:
    for door in land.doors:
        name, port = DOORS[door]
        yield Flow(Peer("outside", cidr=ANYWHERE), part(name, land), (port,), f"the door {door}")
    if land.proxied:
        yield Flow(Peer("outside", cidr=ANYWHERE), part("proxy", land), PORTS["proxy"], "the door gateway")
    for name, what, port in land.calls:
        yield Flow(part(name, land), Peer(what, cidr=ANYWHERE), (port,), f"the stack's {what}")
    for team, spec in teams.items():
        everyone = Peer("all", namespace_of(team, land.prefix))
        for reach in spec.reaches:
            name = f"outside-{reach.to.replace('.', '-').replace('/', '-')}"
            yield Flow(everyone, Peer(name, cidr=reach.to), tuple(sorted(reach.ports)), reach.why)


def _project(plan: Plan, project: str, namespace: str, land: Land) -> Iterator[Flow]:
    kinds = {node.kind for node in plan.nodes if node.project == project}
    pods = workloads(project, namespace)
    for kind in sorted(kinds & set(NEEDS)):
        for target in NEEDS[kind]:
            # One reason a flow, whichever nodes need it: the same flow is one rule.
            yield to_part(pods, target, land, "runs of what the project declares")
    if kinds & set(NEEDS):
        yield Flow(pods, pods, (), "Ray clusters that the team starts itself, among themselves")
        yield Flow(part("ray_operator", land), pods, (SERVE, DASHBOARD), "the state of those clusters")


def namespaces(teams: Mapping[str, TeamSpec], land: Land) -> list[str]:
    """Return every namespace that is closed but for its flows: the platform's first."""
    return [land.platform, *(namespace_of(team, land.prefix) for team in sorted(teams))]
