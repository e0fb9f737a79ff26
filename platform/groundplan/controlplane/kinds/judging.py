"""The verdicts of an alias's gates, measured and written down as evidence."""

from dataclasses import asdict

from groundplan.controlplane.context import Work
from groundplan.controlplane.kinds.base import Carry
from groundplan.controlplane.kinds.decisions import BY_HAND, Pair, case_of
from groundplan.controlplane.kinds.measuring import measured
from groundplan.controlplane.rules.gates import hold_against, kind_of
from groundplan.controlplane.store import Actor


def asked_of(work: Work) -> Actor:
    """Return who asked, and why: with an approval in between that is not who lets the work go on."""
    name, reason = work.request.get("asked_by", work.actor.name), work.request.get("reason", work.actor.reason)
    return Actor(name, reason, work.actor.correlation_id)


def judged(work: Work, pair: Pair) -> Carry:
    """Return the verdicts of the alias's gates on a pair; where one refuses, the reasons and what would help."""
    resource = work.resource
    gates = resource.properties.get("gates") or []
    asked = asked_of(work)
    known = case_of(work.platform, resource, pair, asked.name)
    gates = gates if known.retired is None else []  # then nothing need be measured, and nobody asked
    verdicts = hold_against(gates, measured(work, gates, pair, known))
    found: Carry = {"evidence": {"metrics": pair["metrics"], "gates": [asdict(verdict) for verdict in verdicts]}}
    refused = [verdict for verdict in verdicts if not verdict.passed]
    if refused:
        found |= {
            "refused": [f"{verdict.gate}: {verdict.reason}" for verdict in refused],
            "fixes": [v.fix for v in refused if v.fix],
        }
    if any(kind_of(gate) == "approval" for gate, verdict in zip(gates, verdicts, strict=False) if not verdict.passed):
        by_hand = work.request.get("cause") in BY_HAND
        asked_for = {"asked_by": asked.name, "reason": asked.reason, "by_hand": by_hand}
        found["waits"] = {"version": pair["version"], **asked_for}
    return found
