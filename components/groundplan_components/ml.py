"""The ML side: one component a project, one resource a node of the plan, in the plan's order."""

from collections.abc import Mapping
from typing import Any

import pulumi

from groundplan.plan import Node, Plan
from groundplan_components.platform import Platform
from groundplan_components.resources import KIND_CLASSES, MLResource


class ProjectResources(pulumi.ComponentResource):
    """All that one project declares. ``resources``: node id → resource."""

    resources: dict[str, MLResource]

    def __init__(self, name: str, platform: Platform, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("groundplan:platform:Project", name, None, opts)
        self.resources = {}
        self._platform = platform

    def add(self, node: Node) -> None:
        """Declare one node, after all that it needs."""
        needs: list[pulumi.Resource] = [self.resources[id] for id in node.needs if id in self.resources]
        if node.kind == "ServingApplication" and (process := self._platform.singles.get(f"{node.project}/{node.name}")):
            needs.append(process)
        options = pulumi.ResourceOptions(
            parent=self, depends_on=[*self._platform.ready, *needs], deleted_with=self._platform.database
        )
        self.resources[node.id] = KIND_CLASSES[node.kind](node.id, opts=options, **inputs_of(node))


def inputs_of(node: Node) -> dict[str, Any]:
    """Return a node's inputs: what it declares, what it is called, and its digests."""
    digests = {"digest": node.digest, "data_digest": node.data_digest, "upstream": dict(node.upstream)}
    given = {key: value for key, value in node.properties.items() if value is not None}
    return {**given, "project": node.project, "name": node.name, **digests}


def deploy_projects(plan: Plan, platform: Platform) -> Mapping[str, ProjectResources]:
    """Declare every node of the plan; return project → component."""
    options = pulumi.ResourceOptions(provider=platform.provider)
    projects: dict[str, ProjectResources] = {}
    for node in plan.nodes:
        if node.project not in projects:
            projects[node.project] = ProjectResources(node.project, platform, options)
        projects[node.project].add(node)
    for component in projects.values():
        component.register_outputs({})
    return projects
