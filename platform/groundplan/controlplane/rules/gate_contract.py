"""The gate of a contract: the pair answers sample requests with one finite number a row, between two bounds. Pure."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from groundplan.controlplane.rules.case import Case, Verdict
from groundplan.spec import gate_words


def contract_gate(gate: Mapping[str, Any], case: Case) -> Verdict:
    """Look at the answers to the gate's requests; the first that breaks the contract is told."""
    name, (low, high) = gate_words(gate), gate["contract"]["between"]
    requests = gate["contract"].get("requests") or []
    if case.answers is None:
        return Verdict(None, name, None, None, "`up` asks them")
    answers = {_key(request): answer for request, answer in case.answers}
    for number, request in enumerate(requests, 1):
        broken = _broken(answers.get(_key(request)), request, (low, high))
        if broken is not None:
            value, bound, why = broken
            return Verdict(False, name, value, bound, f"request {number}{why}")
    values = [value for request in requests for value in answers[_key(request)]]
    if not values:
        return Verdict(False, name, None, None, "there is no request to answer", "give the gate requests")
    told = f"{len(values)} answers from {min(values):.4g} to {max(values):.4g}"
    return Verdict(True, name, None, None, f"{told}, all between {low:g} and {high:g}")


def _broken(
    answer: Any, request: Sequence[Mapping[str, Any]], bounds: tuple[float, float]
) -> tuple[float | None, float | None, str] | None:
    """Return what is wrong with an answer (value, bound, why), None when nothing is."""
    if not isinstance(answer, list):
        return None, None, f" is not answered: {answer or 'no reason given'}"
    if len(answer) != len(request):
        return None, None, f": {len(answer)} numbers for {len(request)} rows"
    for row, (entity, value) in enumerate(zip(request, answer, strict=True), 1):
        where = f", row {row} ({', '.join(f'{key} {given}' for key, given in entity.items())})"
        if value is None or not math.isfinite(value):
            return None, None, f"{where}: the answer is no finite number"
        if value < bounds[0]:
            return value, bounds[0], f"{where}: {value:.4g} is less than {bounds[0]:g}"
        if value > bounds[1]:
            return value, bounds[1], f"{where}: {value:.4g} is more than {bounds[1]:g}"
    return None


def _key(request: Sequence[Mapping[str, Any]]) -> tuple[tuple[tuple[str, Any], ...], ...]:
    return tuple(tuple(sorted(entity.items())) for entity in request)
