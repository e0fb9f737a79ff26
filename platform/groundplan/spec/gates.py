"""Gates of an alias as people declare them: what a pair version must meet before the alias moves to it."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from groundplan.spec._base import Column, Model

#: How the words of a contract begin (:func:`gate_words`).
CONTRACT = re.compile(r"\d+ sample requests? answered between ")
Metric = Literal["mae", "rmse", "r2"]
Request = tuple[dict[Column, str | int | float | bool], ...]
Actor = Annotated[str, Field(min_length=1, max_length=100)]


class MetricGate(Model):
    """A metric of the hold-out: ``below`` or ``above`` a bound, or ``better_than`` another forecast, ``by`` so much.

    ``production`` is measured on the same data: the hold-out examples of the pair that is to be promoted.
    """

    metric: Metric
    below: float | None = None
    above: float | None = None
    better_than: Literal["baseline", "production"] | None = None
    by: Annotated[float, Field(ge=0)] = 0.0


class ContractSpec(Model):
    """Requests that the pair must answer from the online features: one finite number a row, ``between`` two bounds.

    Without ``requests``: the examples of the applications that serve the model.
    """

    requests: tuple[Request, ...] = ()
    between: tuple[float, ...]


class ContractGate(Model):
    """The pair answers sample requests as it must."""

    contract: ContractSpec


class ApprovalSpec(Model):
    """Who may approve; without ``by``, anybody but who trained the version or asked for the promotion."""

    by: tuple[Actor, ...] = ()


class ApprovalGate(Model):
    """Somebody else has approved the version."""

    approval: ApprovalSpec


def _kind(given: object) -> str:
    keys = set(given) if isinstance(given, Mapping) else set(type(given).model_fields)  # type: ignore[attr-defined]
    return next((f"{kind} gate" for kind in ("contract", "approval") if kind in keys), "metric gate")


#: One gate; a mistake is told of the form that was meant. (A tag that were a key would be taken for a place in YAML.)
Gate = Annotated[
    Annotated[MetricGate, Tag("metric gate")]
    | Annotated[ContractGate, Tag("contract gate")]
    | Annotated[ApprovalGate, Tag("approval gate")],
    Discriminator(_kind),
]


def gate_words(gate: Mapping[str, Any]) -> str:
    """Return a declared gate in words, as in ``mae better than baseline by 0.5``."""
    if "contract" in gate:
        low, high = gate["contract"]["between"]
        count = len(gate["contract"].get("requests", ()))
        return f"{count} sample request{'' if count == 1 else 's'} answered between {low:g} and {high:g}"
    if "approval" in gate:
        return f"an approval by {' or '.join(gate['approval'].get('by', ())) or 'somebody else'}"
    if gate.get("better_than") is not None:
        same = " on the same data" if gate["better_than"] == "production" else ""
        margin = f" by {gate['by']:g}" if gate.get("by") else ""
        return f"{gate['metric']} better than {gate['better_than']}{same}{margin}"
    return next(f"{gate['metric']} {side} {gate[side]:g}" for side in ("below", "above") if gate.get(side) is not None)
