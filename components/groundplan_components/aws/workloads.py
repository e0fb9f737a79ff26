"""Who reads and writes what, from the plan's edges: the one place from which policies come. Pure, without Pulumi."""

from collections.abc import Iterator
from dataclasses import dataclass

from groundplan.plan import Plan
from groundplan.plan.model import Node

#: Node kind → what its run is called.
RUNS = {
    "DataSource": "ingest",
    "FeatureView": "build",
    "Materialization": "materialize",
    "Model": "train",
    "Alias": "evaluate",
    "ServingApplication": "serve",
}


@dataclass(frozen=True)
class Workload:
    """One workload: its name, team and service account, and the prefixes of the stack's bucket it may touch.

    ``elsewhere``: ``bucket/key`` of objects outside of the platform that it reads.
    """

    project: str
    name: str
    team: str
    read: tuple[str, ...]
    write: tuple[str, ...]
    list: tuple[str, ...] = ()
    elsewhere: tuple[str, ...] = ()

    @property
    def account(self) -> str:
        """Its Kubernetes service account, in the team's namespace."""
        return f"{self.project}-{self.name}".replace("_", "-").replace("@", "-")


def workloads(plan: Plan) -> tuple[Workload, ...]:
    """Return every workload of a plan, in plan order."""
    return tuple(_workload(plan, node) for node in plan.nodes if node.kind in RUNS)


def _workload(plan: Plan, node: Node) -> Workload:
    team = plan.node(f"{node.project}/project/{node.project}").properties["team"]
    read = tuple(sorted({f"code/{node.project}/", *_inputs(plan, node)}))
    write = tuple(sorted(_outputs(node)))
    listed: tuple[str, ...] = ()
    if node.kind == "ServingApplication":
        # What it answered is logged, and read again by the checks for skew and shadows.
        listed = (f"predictions/{node.project}/{node.name}/",)
        read = tuple(sorted({*read, *listed}))
    if node.kind == "Materialization":
        read = tuple(prefix for prefix in read if not prefix.startswith("code/"))
    elsewhere = tuple(_elsewhere(node))
    return Workload(node.project, f"{RUNS[node.kind]}-{node.name}", team, read, write, listed, elsewhere)


def _inputs(plan: Plan, node: Node) -> Iterator[str]:
    """Yield the prefixes of what feeds a node; a service is read as the views it is made of."""
    # An application is fed by what it answers with, though the plan only has it made after that.
    for id in node.needs if node.kind == "ServingApplication" else node.feeds:
        source = plan.node(id)
        if source.kind == "DataSource":
            yield f"raw/{source.project}/{source.name}/"
        if source.kind == "FeatureView":
            yield f"features/{source.project}/{source.name}/"
        if source.kind == "Model":
            yield f"results/{source.id}/"
        if source.kind in ("FeatureService", "Model", "Alias"):
            yield from _inputs(plan, source)


def _outputs(node: Node) -> Iterator[str]:
    if node.kind == "DataSource":
        yield f"raw/{node.project}/{node.name}/"
    if node.kind == "FeatureView":
        yield f"features/{node.project}/{node.name}/"
    if node.kind == "ServingApplication":
        yield f"predictions/{node.project}/{node.name}/"
    # What a run found goes beside its own node, nowhere else.
    yield f"results/{node.id}/"


def _elsewhere(node: Node) -> Iterator[str]:
    path = node.properties.get("path") or ""
    if path.startswith("s3://"):
        yield path.removeprefix("s3://")
