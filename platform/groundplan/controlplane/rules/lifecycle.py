"""Where a pair version stands in its life, and who may move it on. Pure.

Most of it is derived: nobody can say of a version that it is validated, or in production, that is not so. What a
person decides (an approval, a retirement) is stored.
"""

from dataclasses import dataclass

#: In the order of a version's life.
STAGES = ("draft", "validated", "approved", "staging", "production", "retired")
#: The alias that is production's whatever answers with it, and the one that only says what was trained last.
PRODUCTION, NEWEST = "production", "latest"


@dataclass(frozen=True)
class Facts:
    """What is known of a pair version.

    ``refused``: a gate that can be told without measuring refuses it. ``passed``: an alias moved to it through its
    gates. ``approved``: by somebody who did not train it. ``aliases`` point to it, ``answers`` and ``shadows`` are the
    applications that it answers in, or that only log what it would have said.
    """

    metrics: bool = False
    refused: bool = False
    passed: bool = False
    approved: bool = False
    aliases: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    shadows: tuple[str, ...] = ()
    retired: bool = False


def stage_of(facts: Facts) -> str:
    """Return the stage of a pair version, one of :data:`STAGES`."""
    if facts.retired:
        return "retired"
    if facts.answers or PRODUCTION in facts.aliases:
        return "production"
    if facts.shadows or set(facts.aliases) - {NEWEST}:
        return "staging"
    if not facts.metrics or (facts.refused and not facts.passed):
        return "draft"
    return "approved" if facts.approved else "validated"


@dataclass(frozen=True)
class Action:
    """What a person may do with a pair version: with which role (or one with its rights), and in which stages."""

    about: str
    role: str
    stages: tuple[str, ...]


_ALIVE = STAGES[:-1]
#: Who may move what.
ACTIONS = {
    "promote": Action("point an alias to it, through the alias's gates", "ml_engineer", _ALIVE),
    "approve": Action("let it pass the gates that wait for that", "approver", _ALIVE),
    "rollback": Action("take an alias back from it", "ml_engineer", ("staging", "production")),
    "retire": Action("never load it again", "ml_engineer", ("draft", "validated", "approved")),
    "restore": Action("take its retirement back", "ml_engineer", ("retired",)),
}


def why_not(action: str, stage: str, facts: Facts) -> str | None:
    """Return why a version in a stage cannot be moved on by an action, None when it can."""
    if stage in ACTIONS[action].stages:
        return None
    if action == "retire" and stage in ("staging", "production"):
        return "; ".join(_uses(facts))
    if action == "restore":
        return "it is not retired"
    return "no alias points to it" if action == "rollback" else f"it is {stage}"


def _uses(facts: Facts) -> list[str]:
    """Say what loads a version, as people would: it is these that have to be moved first."""
    told = {
        "it answers in {}": facts.answers,
        "it is shadowed in {}": facts.shadows,
        "{} points to it": tuple(alias for alias in facts.aliases if alias != NEWEST),
    }
    return [text.format(", ".join(sorted(names))) for text, names in told.items() if names]
