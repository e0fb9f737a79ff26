"""The Pulumi program: load → plan → deploy → export."""

from pathlib import Path

import pulumi

from groundplan.compose import load
from groundplan.errors import GroundplanError
from groundplan.plan import build_plan
from groundplan_components.deploy import deploy

ROOT = Path(__file__).resolve().parent

try:
    stack, projects = load(ROOT, pulumi.get_stack())
    outputs = deploy(stack, build_plan(stack, projects), ROOT)
except GroundplanError as error:
    # One line a mistake; anything else would reach the user as a traceback.
    raise pulumi.RunError(str(error)) from None

for name, value in outputs.items():
    pulumi.export(name, value)
