"""The lab's program: the infrastructure of the stack in ``stack.json``, for the example's plan."""

from pathlib import Path

from groundplan.compose import load
from groundplan.plan import build_plan
from groundplan.spec import StackSpec
from groundplan_components.aws.infrastructure import declare
from groundplan_components.aws.provider import main_provider
from groundplan_components.aws.target import site_of
from tests.support.aws.registrations import ROOT, SECRETS


def run() -> None:
    """Declare it."""
    stack = StackSpec.model_validate_json(Path("stack.json").read_text())
    _, projects = load(ROOT, "local", Path("cache"))
    site = site_of(stack)
    declare(site, stack.cost, build_plan(stack, projects), main_provider(site), SECRETS)
