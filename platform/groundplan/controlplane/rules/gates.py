"""Gates of an alias, and which pair version it should point to. Pure: facts in, verdicts out.

A gate is of the kind whose word it holds, a metric's when it holds none. Another kind is one function here, one model
in ``groundplan.spec.gates`` and its words there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from groundplan.controlplane.rules.case import Case, Verdict
from groundplan.controlplane.rules.gate_approval import approval_gate
from groundplan.controlplane.rules.gate_contract import contract_gate
from groundplan.controlplane.rules.gate_metric import compares, metric_gate

Gate = Mapping[str, Any]
GATES: dict[str, Callable[[Gate, Case], Verdict]] = {
    "contract": contract_gate,
    "approval": approval_gate,
    "metric": metric_gate,
}


def evaluate(gates: Sequence[Gate], case: Case) -> list[Verdict]:
    """Hold a pair version against each gate, in order."""
    return [GATES[kind_of(gate)](gate, case) for gate in gates]


def hold_against(gates: Sequence[Gate], case: Case) -> list[Verdict]:
    """Hold a pair version against each gate, in order; a retired one passes none, whatever they say."""
    if case.retired is None:
        return evaluate(gates, case)
    return [Verdict(False, "not retired", None, None, case.retired, "restore it in the catalogue, or train another")]


def kind_of(gate: Gate) -> str:
    """Return the kind of a gate."""
    return next(kind for kind in GATES if kind in gate)


def needs_production(gates: Sequence[Gate], case: Case) -> bool:
    """Whether a gate needs the version and production's measured on the same data."""
    return any(compares(gate, case) for gate in gates)


def requests_of(gates: Sequence[Gate]) -> list[list[dict[str, Any]]]:
    """Return the sample requests of all contracts."""
    found = [request for gate in gates if "contract" in gate for request in gate["contract"].get("requests") or ()]
    return [[dict(entity) for entity in request] for request in found]


def choose_version(
    follow: str | None, pinned: int | None, pairs: Sequence[Mapping[str, Any]], digest: str | None
) -> int | None:
    """Return the pair version that an alias should point to, or None when there is none such.

    A pinned one has to be there. ``follow: latest`` is the newest pair with the model's current ``digest``.
    """
    if pinned is not None:
        return pinned if any(pair["version"] == pinned for pair in pairs) else None
    if follow != "latest" or digest is None:
        return None
    return max((int(pair["version"]) for pair in pairs if pair["digest"] == digest), default=None)
