"""Who shares the cluster and what each may use: teams, admission, what watches over it, and delivery by Git.

A team is a namespace: its projects' workloads run there, within its quota, and reach what is declared and nothing else.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Annotated, Literal

from pydantic import Field

from groundplan.errors import suggest
from groundplan.spec._base import (
    CIDR_PATTERN,
    IMAGE_PATTERN,
    QUANTITY_PATTERN,
    REGISTRY_PATTERN,
    Email,
    FilePath,
    Model,
    Name,
    Url,
)
from groundplan.spec.finding import Finding

Quantity = Annotated[str, Field(pattern=QUANTITY_PATTERN)]
Registry = Annotated[str, Field(pattern=REGISTRY_PATTERN, max_length=253)]
PinnedImage = Annotated[str, Field(pattern=IMAGE_PATTERN, max_length=512)]
Cidr = Annotated[str, Field(pattern=CIDR_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]
Cpus = Annotated[float, Field(gt=0, le=100_000)]
Gpus = Annotated[int, Field(ge=0, le=10_000)]
#: Namespaces that are Kubernetes' or the platform's own: no team is called so.
RESERVED = ("default", "groundplan", "groundplan_security", "cert_manager", "kube_system", "kube_public")
_UNITS = {"Mi": 2**20, "Gi": 2**30, "Ti": 2**40}


class QuotaSpec(Model):
    """What all workloads of a team may use together: cores, memory, GPUs, pods, volumes."""

    cpus: Cpus = 8
    memory: Quantity = "32Gi"
    gpus: Gpus = 0
    pods: Annotated[int, Field(ge=1, le=10_000)] = 50
    storage: Quantity = "100Gi"


class PodLimitsSpec(Model):
    """The most that one pod (``storage``: one volume) of a team may ask for; what is not said is the team's quota."""

    cpus: Cpus | None = None
    memory: Quantity | None = None
    storage: Quantity | None = None


class ReachSpec(Model):
    """A place outside the cluster that a team's workloads may reach."""

    to: Cidr
    ports: Annotated[tuple[Port, ...], Field(min_length=1)]
    why: Annotated[str, Field(min_length=1, max_length=200)]


class TeamSpec(Model):
    """One team: the projects that run in its namespace, what they may use, what outside they may reach."""

    projects: tuple[Name, ...] = ()
    quota: QuotaSpec = QuotaSpec()
    limits: PodLimitsSpec = PodLimitsSpec()
    reaches: tuple[ReachSpec, ...] = ()


class AdmissionSpec(Model):
    """What the cluster says to an insecure workload, and where images may come from (besides ``cluster.images``)."""

    mode: Literal["enforce", "warn"] = "enforce"
    registries: tuple[Registry, ...] = ()


class FalcoSpec(Model):
    """Watches system calls on every node; the image by digest, from a registry that the cluster reaches."""

    image: PinnedImage
    #: Least priority of an event that is written.
    priority: Literal["emergency", "critical", "error", "warning", "notice", "debug"] = "notice"


class TrivySpec(Model):
    """Scans images that run: operator and scanner by digest."""

    image: PinnedImage
    scanner: PinnedImage
    severities: Annotated[tuple[Literal["UNKNOWN", "LOW", "MEDIUM", "HIGH", "CRITICAL"], ...], Field(min_length=1)] = (
        "HIGH",
        "CRITICAL",
    )


class CertificatesSpec(Model):
    """The issuer that ``cluster.ingress.issuer`` names, made by the stack: ACME with an address, else its own CA."""

    acme_email: Email | None = None
    acme_server: Url = "https://acme-v02.api.letsencrypt.org/directory"


class SecuritySpec(Model):
    """What watches over the cluster, and who signs its certificates; nothing by default."""

    falco: FalcoSpec | None = None
    trivy: TrivySpec | None = None
    certificates: CertificatesSpec | None = None


class GitOpsSpec(Model):
    """An Argo CD Application over what ``groundplan render`` wrote: where it lies, and how far Argo CD may go."""

    repository: Url
    path: FilePath
    revision: Annotated[str, Field(min_length=1, max_length=250, pattern=r"^[A-Za-z0-9._/\-]+$")] = "main"
    namespace: Name = "argocd"
    #: ``ClusterSecretStore`` of the External Secrets operator that holds what is never written into Git.
    secret_store: Name | None = None
    sync: Literal["automatic", "manual"] = "automatic"


def bytes_of(quantity: str) -> int:
    """Return the bytes of a quantity such as ``32Gi``."""
    return int(quantity[:-2]) * _UNITS[quantity[-2:]]


def canonical(quantity: str) -> str:
    """Return a quantity as the API server writes it: ``1024Mi`` is ``1Gi``, and would look changed at every look."""
    size = bytes_of(quantity)
    unit = next((unit for unit in ("Ti", "Gi") if size % _UNITS[unit] == 0), "Mi")
    return f"{size // _UNITS[unit]}{unit}"


def teams_of(teams: Mapping[str, TeamSpec], projects: Sequence[str]) -> dict[str, TeamSpec]:
    """Return the teams of a stack, sorted: those declared; where none is, one a project, of its name."""
    if teams:
        return dict(sorted(teams.items()))
    return {project: TeamSpec(projects=(project,)) for project in sorted(projects)}


def namespace_of(name: str, prefix: str = "") -> str:
    """Return the namespace of a team, or of any name of ours: Kubernetes has no underscores."""
    return f"{prefix}{name}".replace("_", "-")


def tenancy_findings(
    teams: Mapping[str, TeamSpec],
    security: SecuritySpec,
    gitops: GitOpsSpec | None,
    projects: Sequence[str],
    target: str,
) -> Iterator[Finding]:
    """Yield every mistake in teams, their quotas and who holds which project."""
    yield from _no_cluster(teams, security, gitops, target)
    holder: dict[str, str] = {}
    for name, team in teams.items():
        if name in RESERVED:
            yield Finding(("teams", name), "is a namespace of the cluster's own", name, fix="choose another name")
        yield from _projects(name, team, projects, holder)
        yield from _limits(name, team)
    missing = sorted(set(projects) - set(holder)) if teams else []
    if missing:
        what = "a project of this stack is in no team"
        yield Finding(("teams",), what, ", ".join(missing), fix="add it to the projects of a team")


def _no_cluster(
    teams: Mapping[str, TeamSpec], security: SecuritySpec, gitops: GitOpsSpec | None, target: str
) -> Iterator[Finding]:
    if target != "local":
        return
    declared = {"teams": teams, "security": security.falco or security.trivy or security.certificates, "gitops": gitops}
    for key, value in declared.items():
        if value:
            what = "needs a cluster, and this stack's target is local"
            yield Finding((key,), what, fix=f"remove {key}, or choose target: kind, kubernetes or aws")


def _projects(name: str, team: TeamSpec, projects: Collection[str], holder: dict[str, str]) -> Iterator[Finding]:
    for index, project in enumerate(team.projects):
        path = ("teams", name, "projects", index)
        if project not in projects:
            allowed = ", ".join(sorted(projects)) or "no project is declared"
            yield Finding(path, "is not in this stack", project, allowed, suggest(project, projects))
        elif project in holder:
            yield Finding(path, f"is in team {holder[project]} already", project, fix="remove one")
        holder.setdefault(project, name)


def _limits(name: str, team: TeamSpec) -> Iterator[Finding]:
    pairs = {"cpus": float, "memory": bytes_of, "storage": bytes_of}
    for key, measure in pairs.items():
        asked, quota = getattr(team.limits, key), getattr(team.quota, key)
        if asked is not None and measure(asked) > measure(quota):  # type: ignore[operator]
            what = "is more than the team's quota: no pod could ever ask for it"
            yield Finding(
                ("teams", name, "limits", key), what, str(asked), f"at most {quota}", "lower it, or raise the quota"
            )
