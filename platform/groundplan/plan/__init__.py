"""The plan: a pure, frozen, digested account of what shall exist, read by everyone who explains or makes it."""

from groundplan.plan.build import build_plan, expand, node_id
from groundplan.plan.compare import Change, compare
from groundplan.plan.model import DESCRIPTIVE, KINDS, Node, Plan, canonical, digest_of
from groundplan.spec import LoadedProject

__all__ = [
    "DESCRIPTIVE",
    "KINDS",
    "Change",
    "LoadedProject",
    "Node",
    "Plan",
    "build_plan",
    "canonical",
    "compare",
    "digest_of",
    "expand",
    "node_id",
]
