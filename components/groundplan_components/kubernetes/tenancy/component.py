"""The component: for each team its namespace, who may do what in it, how much, and who it may talk to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi

from groundplan.plan import Plan
from groundplan.spec import GrantSpec, StackSpec, TeamSpec, namespace_of, teams_of
from groundplan.targets.flows import Flow, Land, flows_of, namespaces
from groundplan_components.kubernetes.objects import Manifest, declare
from groundplan_components.kubernetes.place import Place, dns
from groundplan_components.kubernetes.tenancy import network, roles, space


@dataclass(frozen=True)
class TenancyArgs:
    """Who shares a cluster. ``place``: the platform's own namespace; ``admission``: name of the stack's policies."""

    place: Place
    plan: Plan
    teams: Mapping[str, TeamSpec]
    grants: Sequence[GrantSpec]
    land: Land
    admission: str

    @classmethod
    def of(cls, stack: StackSpec, plan: Plan, place: Place, land: Land) -> "TenancyArgs":
        """Return the arguments that a stack declares."""
        teams = teams_of(stack.teams, stack.projects)
        return cls(place, plan, teams, stack.access, land, admission_name(stack.name))

    @property
    def flows(self) -> tuple[Flow, ...]:
        """Every flow that is allowed on the cluster."""
        return flows_of(self.plan, self.teams, self.land)

    @property
    def namespaces(self) -> list[str]:
        """Every namespace of the stack, the platform's first."""
        return namespaces(self.teams, self.land)

    def place_of(self, team: str) -> Place:
        """Return where a team's workloads go."""
        return replace(self.place, namespace=namespace_of(team, self.land.prefix), team=team)


class Tenancy(pulumi.ComponentResource):
    """Teams apart from each other and from the platform.

    ``places``: team → where its workloads go; ``spaces``: team → what must stand before anything in it is applied.
    """

    places: Mapping[str, Place]
    spaces: Mapping[str, pulumi.Resource]

    def __init__(self, title: str, args: TenancyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Tenancy", title, None, opts)
        own = pulumi.ResourceOptions(parent=self)
        self.places = {team: args.place_of(team) for team in args.teams}
        self.spaces = {team: Team(f"{title}-{dns(team)}", args, team, own) for team in args.teams}
        PlatformDoors(f"{title}-platform", args, own)
        self.register_outputs({"namespaces": sorted(place.namespace for place in self.places.values())})


class Team(pulumi.ComponentResource):
    """One team's namespace and what is in force there."""

    def __init__(self, title: str, args: TenancyArgs, team: str, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:Team", title, None, opts)
        place = args.place_of(team)
        # A namespace takes everything in it along, volumes too: data that is kept keeps its namespace.
        kept = pulumi.ResourceOptions(parent=self, retain_on_delete=place.keep)
        self.namespace = declare(f"{title}-namespace", space.namespace(place, args.admission), kept)
        inside = pulumi.ResourceOptions(parent=self, depends_on=[self.namespace])
        for name, manifest in team_manifests(args, team).items():
            declare(f"{title}-{name}", manifest, inside)
        self.register_outputs({"namespace": place.namespace})


class PlatformDoors(pulumi.ComponentResource):
    """What is in force in the platform's own namespace: its flows, and who may look."""

    def __init__(self, title: str, args: TenancyArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:kubernetes:PlatformDoors", title, None, opts)
        for name, manifest in platform_manifests(args).items():
            declare(f"{title}-{name}", manifest, pulumi.ResourceOptions(parent=self))
        self.register_outputs({})


def team_manifests(args: TenancyArgs, team: str) -> dict[str, Manifest]:
    """Return everything inside a team's namespace, by the end of its title."""
    place, spec = args.place_of(team), args.teams[team]
    found = {"quota": space.quota(place, spec), "limits": space.limit_range(place, spec)}
    for project in spec.projects:
        of_project = replace(place, project=project)
        for work in space.works(args.plan, project):
            found[f"account-{dns(project)}-{work}"] = space.account(of_project, project, work)
    found |= _titled("role", roles.roles(place)) | _titled("binding", roles.bindings(place, args.grants, spec.projects))
    return found | _titled("network", network.network_policies(place, args.flows))


def platform_manifests(args: TenancyArgs) -> dict[str, Manifest]:
    """Return the roles and policies of the platform's namespace, by the end of their titles."""
    place = args.place
    found = _titled("role", roles.roles(place)) | _titled("binding", roles.platform_bindings(place, args.grants))
    return found | _titled("network", network.network_policies(place, args.flows))


def admission_name(stack: str) -> str:
    """Return the name of a stack's admission policies: two stacks on one cluster keep apart."""
    return f"groundplan-{dns(stack)}"


def _titled(kind: str, manifests: Mapping[str, Manifest]) -> dict[str, Manifest]:
    return {f"{kind}-{name}": manifest for name, manifest in manifests.items()}
