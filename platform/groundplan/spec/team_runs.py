"""Runs that a team's limits would never let begin: found before anything is made, in the project's own file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from groundplan.spec.finding import Finding, Path
from groundplan.spec.resources import AROUND_MB, RunResources, TrainingResources
from groundplan.spec.tenancy import TeamSpec, bytes_of, teams_of

if TYPE_CHECKING:
    from groundplan.spec.project import ProjectSpec
    from groundplan.spec.stack import StackSpec

MIB = 2**20


def team_run_findings(stack: StackSpec, project: ProjectSpec) -> Iterator[Finding]:
    """Yield every run of a project that asks for more than one pod of its team may have, or than the team has."""
    if stack.target == "local":
        return
    for name, team in teams_of(stack.teams, stack.projects).items():
        if project.name in team.projects:
            for path, resources in _declared(project):
                yield from _beyond((*path, "resources"), resources, name, team)


def _declared(project: ProjectSpec) -> Iterator[tuple[Path, RunResources]]:
    yield from ((("data_sources", name), each.resources) for name, each in project.data_sources.items())
    yield from ((("feature_views", name), each.resources) for name, each in project.feature_views.items())
    yield from ((("training", name), each.resources) for name, each in project.training.items())


def _beyond(path: Path, asked: RunResources, name: str, team: TeamSpec) -> Iterator[Finding]:
    cpus, memory = team.limits.cpus or team.quota.cpus, team.limits.memory or team.quota.memory
    of_cpus, of_memory = ("limits" if given else "quota" for given in (team.limits.cpus, team.limits.memory))
    most_mb = bytes_of(memory) // MIB - AROUND_MB
    gpus = asked.gpus if isinstance(asked, TrainingResources) else 0
    if asked.cpus > cpus:
        yield _finding((*path, "cpus"), str(asked.cpus), f"{cpus:g}", f"teams.{name}.{of_cpus}.cpus")
    if asked.memory_mb > most_mb:
        allowed = f"{max(most_mb, 0)}, which is {memory} less {AROUND_MB} MiB beside the run"
        yield _finding((*path, "memory_mb"), str(asked.memory_mb), allowed, f"teams.{name}.{of_memory}.memory")
    if gpus > team.quota.gpus:
        yield _finding((*path, "gpus"), str(gpus), str(team.quota.gpus), f"teams.{name}.quota.gpus")


def _finding(path: Path, asked: str, allowed: str, key: str) -> Finding:
    what = "is more than the team may have: the run would never begin"
    return Finding(path, what, asked, f"at most {allowed}", f"lower it, or raise {key} of the stack")
