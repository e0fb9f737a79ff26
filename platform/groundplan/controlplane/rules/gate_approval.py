"""The gate of an approval: by somebody who neither trained the version nor asked for its promotion. Pure."""

from collections.abc import Mapping
from typing import Any

from groundplan.controlplane.rules.case import Case, Verdict
from groundplan.spec import gate_words


def approval_gate(gate: Mapping[str, Any], case: Case) -> Verdict:
    """Look for an approval that counts."""
    name, interested = gate_words(gate), {case.trained_by, case.asked_by}
    given = next((a for a in case.approvals if may_approve(gate, a["actor"]) and a["actor"] not in interested), None)
    if given is not None:
        return Verdict(True, name, None, None, f"approved by {given['actor']}: {given['reason']}")
    own = sorted({a["actor"] for a in case.approvals if a["actor"] in interested})
    theirs = f"; {', '.join(own)} trained it or asked for it, so that approval does not count" if own else ""
    return Verdict(False, name, None, None, f"it waits for an approval{theirs}; {_who(gate, case)}", case.approve)


def may_approve(gate: Mapping[str, Any], actor: str) -> bool:
    """Whether somebody is among those who may approve at all."""
    by = gate["approval"].get("by") or ()
    return not by or actor in by


def _who(gate: Mapping[str, Any], case: Case) -> str:
    interested = {case.trained_by, case.asked_by} - {None}
    by = [actor for actor in gate["approval"].get("by") or () if actor not in interested]
    if by:
        return f"{' or '.join(by)} may approve it"
    if gate["approval"].get("by"):
        return "all who may approve trained it or asked for it"
    return f"anybody but {' and '.join(sorted(str(each) for each in interested)) or 'nobody'} may approve it"
