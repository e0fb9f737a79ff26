"""What the aliases of a model and their gates may say."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from groundplan.spec.aliases import mirrored
from groundplan.spec.finding import Finding, Path
from groundplan.spec.gates import ContractGate, ContractSpec, Gate, MetricGate
from groundplan.spec.training import AliasSpec, TrainingSpec

_BOUNDS = ("below", "above", "better_than")


def promotion_findings(
    path: Path, model: TrainingSpec, keys: Collection[str] | None, examples: Sequence[Any]
) -> Iterator[Finding]:
    """Yield what is wrong with a model's aliases.

    ``keys`` are the join keys of its features, None where they are not known; ``examples`` are those of the
    applications that serve it.
    """
    for name, alias in model.aliases.items():
        yield from _alias((*path, "aliases", name), alias)
        for index, gate in enumerate(alias.gates):
            yield from _gate((*path, "aliases", name, "gates", index), gate, model)
            if isinstance(gate, ContractGate):
                yield from _contract(
                    (*path, "aliases", name, "gates", index, "contract"), gate.contract, keys, examples
                )
    yield from _collisions((*path, "aliases"), model.aliases)


def _alias(path: Path, alias: AliasSpec) -> Iterator[Finding]:
    if (alias.follow is None) == (alias.version is None):
        yield Finding(path, "needs either follow or version", fix="write follow: latest, or version: 3")
    if alias.version is not None and alias.gates:
        yield Finding((*path, "gates"), "only an alias that follows has gates", fix="remove gates")


def _gate(path: Path, gate: Gate, model: TrainingSpec) -> Iterator[Finding]:
    if not isinstance(gate, MetricGate):
        return
    given = [key for key in _BOUNDS if getattr(gate, key) is not None]
    if len(given) != 1:
        fix = "write one, as in {metric: mae, below: 20}"
        yield Finding(path, "a metric needs one bound", ", ".join(given) or "none", ", ".join(_BOUNDS), fix)
    if gate.by and gate.better_than is None:
        yield Finding((*path, "by"), "belongs to better_than", f"{gate.by:g}", fix="remove by")
    if gate.better_than == "baseline" and model.baseline is None:
        here = (*path, "better_than")
        yield Finding(here, "the model declares no baseline", "baseline", fix="add baseline: <view>__<field>")
    if gate.better_than == "production" and "production" not in model.aliases:
        here = (*path, "better_than")
        yield Finding(here, "the model declares no alias production", "production", ", ".join(model.aliases))


def _contract(
    path: Path, contract: ContractSpec, keys: Collection[str] | None, examples: Sequence[Any]
) -> Iterator[Finding]:
    if len(contract.between) != 2 or contract.between[0] >= contract.between[1]:
        value = ", ".join(f"{bound:g}" for bound in contract.between)
        yield Finding((*path, "between"), "needs a lower and a higher bound", f"[{value}]", "as in [-120, 2880]")
    if not contract.requests and not examples:
        fix = "add requests: [[{origin: JFK, carrier: AA}]], or example: to the application"
        yield Finding(path, "no application that serves this model has an example to ask for", fix=fix)
    for index, request in enumerate(contract.requests):
        if not request:
            yield Finding((*path, "requests", index), "is empty", fix="name at least one entity")
        for row, entity in enumerate(request):
            if keys is not None and set(entity) != set(keys):
                here = (*path, "requests", index, row)
                given = ", ".join(entity) or "nothing"
                yield Finding(here, "must name each join key once", given, ", ".join(sorted(keys)))


def _collisions(path: Path, aliases: Mapping[str, AliasSpec]) -> Iterator[Finding]:
    for name in aliases:
        other = mirrored(name)
        if other != name and other in aliases:
            what = f"is what {name} is called in MLflow, which keeps that name for itself"
            yield Finding((*path, other), what, other, fix="rename it")
