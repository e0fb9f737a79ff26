"""The table of rules, in the order in which they are told."""

from groundplan.rules.credentials import RUN_CREDENTIALS
from groundplan.rules.doors import OWN_DOOR, PLAIN_INGRESS
from groundplan.rules.identity import API_TOKEN, DEFAULT_ACCOUNT, PLAIN_SECRET, UNPAIRED_SERVING
from groundplan.rules.images import FOREIGN_REGISTRY, UNPINNED_IMAGE
from groundplan.rules.model import Rule
from groundplan.rules.pods import HOST_ACCESS, MISSING_LIMITS, PRIVILEGED, RUN_AS_ROOT, UNCONFINED
from groundplan.rules.shapes import SHAPES

RULES: tuple[Rule, ...] = (
    PRIVILEGED,
    HOST_ACCESS,
    RUN_AS_ROOT,
    UNCONFINED,
    MISSING_LIMITS,
    UNPINNED_IMAGE,
    FOREIGN_REGISTRY,
    UNPAIRED_SERVING,
    DEFAULT_ACCOUNT,
    API_TOKEN,
    PLAIN_SECRET,
    RUN_CREDENTIALS,
    OWN_DOOR,
    PLAIN_INGRESS,
)

__all__ = ["RULES", "SHAPES", "rule"]


def rule(id: str) -> Rule:
    """Return the rule of an id. KeyError for an unknown one."""
    return {each.id: each for each in RULES}[id]
