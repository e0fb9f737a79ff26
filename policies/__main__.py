"""The pack: one module a rule. ``groundplan preview --policies`` runs it, and so does every deployment to a cluster."""

import importlib
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

HERE = Path(__file__).parent
RULES = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))

PolicyPack(
    "groundplan",
    policies=[importlib.import_module(name).POLICY for name in RULES],
    enforcement_level=EnforcementLevel.MANDATORY,
)
