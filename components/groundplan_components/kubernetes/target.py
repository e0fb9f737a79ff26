"""The targets ``kind`` and ``kubernetes``: the platform in a cluster, made by the stack or there before it."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

import pulumi

from groundplan.errors import GroundplanError
from groundplan.identity.declaration import subjects
from groundplan.plan import Plan
from groundplan.spec import StackSpec, namespace_of, teams_of
from groundplan.targets.doors import opened, outside, own_certificate, proxied
from groundplan.targets.flows import ANYWHERE, Land
from groundplan_components.kubernetes.admission import Admission
from groundplan_components.kubernetes.cert_manager import CertManager
from groundplan_components.kubernetes.certificates import Certificates
from groundplan_components.kubernetes.cluster import Cluster, ExistingCluster, KindCluster
from groundplan_components.kubernetes.control_plane import NAME as CONTROL_PLANE
from groundplan_components.kubernetes.data import DataServices
from groundplan_components.kubernetes.gitops import GitOps
from groundplan_components.kubernetes.images import CERT_MANAGER, PROXIED, UPSTREAM, brought, images
from groundplan_components.kubernetes.place import Place
from groundplan_components.kubernetes.runs import TeamRuns
from groundplan_components.kubernetes.secrets import DATA, OWN, Secrets
from groundplan_components.kubernetes.security import Security
from groundplan_components.kubernetes.services import PlatformServices
from groundplan_components.kubernetes.site import Site
from groundplan_components.kubernetes.tenancy import Tenancy, TenancyArgs
from groundplan_components.kubernetes.tenancy.space import RUN, account_name
from groundplan_components.platform import Platform
from groundplan_components.resources import Groundplan

TOKEN = "controlplane-token"  # noqa: S105  (a secret's name)


def deploy_kubernetes(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
    """Declare the cluster, then the platform in it with its data. GroundplanError: see :func:`images`."""
    require_in_cluster(plan)
    found = images(stack.cluster.images, root, brought(stack))
    cluster = _cluster(stack, stack_id, root, found)
    site = make_site(stack, plan, stack_id, found)
    provider = own_provider(stack, stack_id, root, site)
    files = {TOKEN: token_file(stack, root)}
    names = (*OWN, *DATA, *subject_secrets(stack))
    secrets = Secrets("secrets", stack_id, files, names, pulumi.ResourceOptions(provider=provider))
    return deploy_platform(stack, plan, site, cluster, in_cluster(site, secrets.values), provider, root)


def deploy_platform(
    stack: StackSpec, plan: Plan, site: Site, cluster: Cluster, data: DataServices, provider: Groundplan, root: Path
) -> Platform:
    """Declare the platform's services in a cluster, on data services that are there or run beside them.

    ``data.secrets`` holds every secret of the platform: those of :data:`OWN`, of the data services, of subjects.
    """
    providers: list[pulumi.ProviderResource] = [cluster.provider, provider]
    opts = pulumi.ResourceOptions(
        providers=providers, depends_on=[*cluster.ready, *data.ready], deleted_with=cluster.gone_with
    )
    people = subjects(stack) if stack.services.identity == "local" else None
    ca = str(own_folder(stack, root) / "gateway-ca.pem")
    admission = Admission("admission", stack, site.place, tuple(site.images.values()), opts)
    ruled = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=admission.ready))
    services = PlatformServices("platform", site, data, people, ca, ruled)
    tenancy = TenancyArgs.of(stack, plan, site.place, land(stack, site, outside=data.resource is not None))
    within = pulumi.ResourceOptions.merge(ruled, pulumi.ResourceOptions(depends_on=[services.space]))
    teams = Tenancy("tenancy", tenancy, within)
    runs = TeamRuns("runs", site, CONTROL_PLANE, data.secrets, teams.places, teams.spaces, within)
    Certificates("certificates", stack, site.place, _issuing(stack, site, services, opts))
    Security("security", stack, site.place, tenancy.namespaces, opts)
    GitOps("gitops", stack, site.place, opts)
    values = {name: pulumi.Output.from_input(value) for name, value in data.secrets.items()}
    named = subject_secrets(stack)
    return Platform(
        provider,
        {str(door): address for door, address in site.outside.items()},
        {name: value for name, value in values.items() if name not in named},
        [services, runs],
        services.database,
        issuer=site.issuer,
        identities={name: value for name, value in values.items() if name in named},
        gateway_ca=ca if own_certificate(stack) else None,
    )


def _issuing(
    stack: StackSpec, site: Site, services: PlatformServices, opts: pulumi.ResourceOptions
) -> pulumi.ResourceOptions:
    """Where the stack brings cert-manager, it is there before its issuers, and after the types that it watches."""
    if not CERT_MANAGER.keys() & brought(stack).keys():
        return opts
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[services]))
    manager = CertManager("cert-manager", site.place, site.images, after)
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[manager]))


def land(stack: StackSpec, site: Site, outside: bool = False) -> Land:
    """Return where things are, as the flows between them need it. ``outside``: the data services are a cloud's."""
    doors = tuple(sorted(site.nodeports)) or ("controlplane", "gateway")
    elsewhere = (("controlplane", "lineage", stack.services.lineage), ("gateway", "identity", stack.services.identity))
    calls = tuple((part, what, _port(url)) for part, what, url in elsewhere if url != "local")
    data = ANYWHERE if outside else ""
    return Land(
        site.place.namespace, site.cluster.namespace_prefix, doors, data=data, calls=calls, proxied=site.proxied
    )


def _port(url: str) -> int:
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def subject_secrets(stack: StackSpec) -> tuple[str, ...]:
    """Return the names of the secrets of users and service accounts, where the issuer is the stack's own."""
    return tuple(one.secret for one in subjects(stack)) if stack.services.identity == "local" else ()


def in_cluster(site: Site, secrets: Mapping[str, pulumi.Output[str]]) -> DataServices:
    """Return the data services that run beside the platform's own."""
    return DataServices(site.address("database"), site.address("online-store"), site.url("objects"), secrets)


def make_site(stack: StackSpec, plan: Plan, stack_id: str, found: Mapping[str, str]) -> Site:
    """Return what all parts share, from the declaration alone."""
    place = Place(
        namespace=f"{stack.cluster.namespace_prefix}{stack.cluster.namespace}",
        stack=stack.name,
        stack_id=stack_id,
        storage_class=stack.cluster.storage_class,
        pull_secret=stack.cluster.images.pull_secret,
        keep=stack.protection.keep_data,
    )
    doors = outside(stack)
    named = stack.services.identity
    return Site(
        place=place,
        cluster=stack.cluster,
        images=found,
        outside=doors,
        issuer=f"{doors['gateway']}/identity" if named == "local" else named,
        nodeports=opened(stack),
        proxied=proxied(stack),
        projects=stack.projects,
        personal=plan.personal,
        homes=homes(stack),
        lineage=None if stack.services.lineage == "local" else stack.services.lineage.rstrip("/"),
    )


def homes(stack: StackSpec) -> dict[str, dict[str, str]]:
    """Return where the runs of each project are: team, namespace, service account."""
    return {
        project: {
            "team": team,
            "namespace": namespace_of(team, stack.cluster.namespace_prefix),
            "account": account_name(project, RUN),
        }
        for team, spec in teams_of(stack.teams, stack.projects).items()
        for project in spec.projects
    }


def own_provider(stack: StackSpec, stack_id: str, root: Path, site: Site) -> Groundplan:
    """Return our own plugin, which reaches the control plane by its door."""
    return Groundplan(
        "groundplan",
        stack_id=stack_id,
        endpoint=site.outside["controlplane"],
        token_file=token_file(stack, root),
    )


def token_file(stack: StackSpec, root: Path) -> str:
    """Return where the control plane's token is on the machine that deploys."""
    return str(own_folder(stack, root) / "secrets" / TOKEN)


def own_folder(stack: StackSpec, root: Path) -> Path:
    """Return where this machine keeps what it needs to reach the platform of a stack."""
    return root / ".groundplan" / stack.name


def require_in_cluster(plan: Plan) -> None:
    """Raise GroundplanError for an application that is one process on one machine."""
    for node in plan.nodes:
        if node.kind == "ServingApplication" and node.properties["topology"] == "single":
            what = f"serving.{node.name} of {node.project} has topology single, which is a process on one machine"
            raise GroundplanError(f"{what}; allowed here: tiered, fused; fix: env/<stack>.yaml of the project")


def _cluster(stack: StackSpec, stack_id: str, root: Path, found: Mapping[str, str]) -> Cluster:
    if stack.target != "kind":
        return ExistingCluster("cluster", stack, root)
    own = sorted(image for name, image in found.items() if name not in {*UPSTREAM, *PROXIED, *CERT_MANAGER})
    return KindCluster("cluster", stack, stack_id, root, own)
