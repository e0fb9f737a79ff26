"""The rules that a workload keeps: one table, from which the cluster's admission policies and the policy pack are made.

A rule is pure data: what it refuses, why, the same question in CEL (asked by the API server) and in Python (asked by
the policy pack before anything is deployed). ``docs/policies.md`` is written from it, and a test holds both to the
same answers.
"""

from groundplan.rules.admission import admission_manifests
from groundplan.rules.model import Rule, Settings, allowed, applies, shape_of, templates_of
from groundplan.rules.table import RULES, SHAPES, rule

__all__ = [
    "RULES",
    "SHAPES",
    "Rule",
    "Settings",
    "admission_manifests",
    "allowed",
    "applies",
    "rule",
    "shape_of",
    "templates_of",
]
