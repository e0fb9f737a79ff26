"""From a plan to resources: the platform's parts on the stack's target, then what the projects declare."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pulumi

from groundplan.errors import GroundplanError
from groundplan.plan import Plan
from groundplan.spec import StackSpec
from groundplan_components.foresight import foresee
from groundplan_components.local.target import deploy_local
from groundplan_components.ml import deploy_projects
from groundplan_components.platform import Platform, Target


def _deploy_kubernetes(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
    """Import the Kubernetes side only when it is deployed: it is an extra, and takes its time."""
    try:
        from groundplan_components.kubernetes.target import deploy_kubernetes  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name != "pulumi_kubernetes":
            raise
        what = f"target {stack.target!r} needs the extra kubernetes, which is not installed"
        raise GroundplanError(f"{what}; fix: .venv/bin/uv sync --frozen --inexact --extra kubernetes") from None
    return deploy_kubernetes(stack, plan, stack_id, root)


def _deploy_aws(stack: StackSpec, plan: Plan, stack_id: str, root: Path) -> Platform:
    """Import AWS's side only when it is deployed: it is an extra of 271 MB."""
    try:
        from groundplan_components.aws.target import deploy_aws  # noqa: PLC0415
    except ModuleNotFoundError as error:
        if error.name not in ("pulumi_aws", "pulumi_kubernetes"):
            raise
        what = "target 'aws' needs the extras aws and kubernetes, which are not installed"
        fix = ".venv/bin/uv sync --frozen --inexact --extra aws --extra kubernetes"
        raise GroundplanError(f"{what}; fix: {fix}") from None
    return deploy_aws(stack, plan, stack_id, root)


TARGETS: Mapping[str, Target] = {
    "local": deploy_local,
    "kind": _deploy_kubernetes,
    "kubernetes": _deploy_kubernetes,
    "aws": _deploy_aws,
}


def deploy(stack: StackSpec, plan: Plan, root: Path) -> dict[str, Any]:
    """Declare everything; return the outputs ``endpoints``, ``gateway``, ``gateway_ca`` (a path), ``identity``,
    ``bill`` (where somebody bills it) and, secret, ``credentials`` and ``identities``.

    Raises GroundplanError when the stack has no id, or the extra of its target is not installed.
    """
    foreseen = foresee(stack, plan)
    platform = TARGETS[stack.target](stack, plan, _stack_id(stack), root)
    deploy_projects(plan, platform)
    return {
        "endpoints": _endpoints(plan, platform),
        "gateway": platform.endpoints["gateway"],
        "gateway_ca": platform.gateway_ca,
        "credentials": pulumi.Output.secret(dict(platform.credentials)),
        "identity": platform.issuer,
        "identities": pulumi.Output.secret(dict(platform.identities)),
        **foreseen,
    }


def _stack_id(stack: StackSpec) -> str:
    """The id by which the stack owns its data; from the stack's settings, never made here."""
    found = pulumi.Config("groundplan").get("stack-id")
    if not found:
        fix = f'groundplan up {stack.name}, or eval "$(groundplan env {stack.name})", writes it'
        raise GroundplanError(f"stacks/Pulumi.{stack.name}.yaml: groundplan:stack-id is missing; fix: {fix}")
    return found


def _endpoints(plan: Plan, platform: Platform) -> dict[str, Any]:
    """Every part's address, every application's, and as ``predict`` the first application's."""
    serve = platform.endpoints["serve"]
    served = [node for node in plan.nodes if node.kind == "ServingApplication"]
    names = {f"{node.project}/{node.name}": node.properties["route"] for node in served}
    applications = {name: f"{platform.applications.get(name, serve)}{route}" for name, route in names.items()}
    first = {"predict": next(iter(applications.values()))} if applications else {}
    return {**platform.endpoints, **first, "applications": applications}
