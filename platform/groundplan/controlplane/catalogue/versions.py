"""Each pair version of a model: its stage, and what its stage comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from groundplan.controlplane.catalogue.reading import Known, Row
from groundplan.controlplane.rules.case import Case
from groundplan.controlplane.rules.gates import evaluate, kind_of
from groundplan.controlplane.rules.lifecycle import PRODUCTION, Facts, stage_of
from groundplan.controlplane.store import Resource


@dataclass(frozen=True)
class Version:
    """One pair version: its row, what is known of it, and its verdicts by gated alias."""

    pair: Row
    facts: Facts
    gates: Mapping[str, list[dict[str, Any]]]
    approvals: list[Row]
    retirement: Row | None

    @property
    def stage(self) -> str:
        """Its stage."""
        return stage_of(self.facts)


def versions_of(known: Known) -> list[Version]:
    """Return the pair versions of a model, the newest first."""
    return [_version(known, pair) for pair in reversed(known.committed)]


def _version(known: Known, pair: Row) -> Version:
    number, digest = pair["version"], pair["digest"]
    approved = [row for row in known.approvals if known.digest_of(row["version"]) == digest]
    last = next((row for row in reversed(known.retirements) if row["digest"] == digest), None)
    gates = {alias.properties["alias"]: _verdicts(known, alias, pair, approved) for alias in known.aliases}
    gates = {name: verdicts for name, verdicts in gates.items() if verdicts}
    facts = Facts(
        metrics=bool(pair["metrics"]),
        refused=any(v["passed"] is False for verdicts in gates.values() for v in verdicts if not v["approval"]),
        passed=any(_evidence(move) for move in known.moves if known.digest_of(move["to_version"]) == digest),
        approved=any(row["actor"] != pair["trained_by"] for row in approved),
        aliases=tuple(row["alias"] for row in known.pointers if row["version"] == number),
        answers=tuple(_loaded(known, number, "traffic")),
        shadows=tuple(_loaded(known, number, "shadow")),
        retired=last is not None and last["retired"],
    )
    return Version(pair, facts, gates, approved, last if facts.retired else None)


def _loaded(known: Known, version: int, how: str) -> Iterator[str]:
    points = {row["alias"]: row["version"] for row in known.pointers}
    for application in known.applications:
        if any(points.get(alias) == version for alias in application.properties.get(how, ())):
            yield application.name


def _verdicts(known: Known, alias: Resource, pair: Row, approved: list[Row]) -> list[dict[str, Any]]:
    """What an alias's gates said when it last moved to a pair; what they say now, where it never did."""
    gates = alias.properties.get("gates") or []
    name = alias.properties["alias"]
    moved = [m for m in known.moves if m["alias"] == name and known.digest_of(m["to_version"]) == pair["digest"]]
    told = next((evidence for evidence in map(_evidence, reversed(moved)) if evidence), None)
    if told is not None:
        return [{**verdict, "approval": verdict["gate"].startswith("an approval")} for verdict in told]
    verdicts = evaluate(gates, _case(known, alias, pair, approved, bool(moved)))
    return [
        {**asdict(verdict), "approval": kind_of(gate) == "approval"}
        for gate, verdict in zip(gates, verdicts, strict=True)
    ]


def _case(known: Known, alias: Resource, pair: Row, approved: list[Row], returning: bool) -> Case:
    live = next((row["version"] for row in known.pointers if row["alias"] == PRODUCTION), None)
    production = next((p for p in known.committed if p["version"] == live), None)
    waits = alias.outputs.get("waits") or {}
    return Case(
        version=pair["version"],
        metrics=pair["metrics"],
        production=production["version"] if production else None,
        production_metrics=production["metrics"] if production else None,
        returning=returning,
        trained_by=pair["trained_by"],
        asked_by=waits.get("asked_by") if waits.get("version") == pair["version"] else None,
        approvals=approved,
        approve=f"groundplan approve {known.model.project}/{known.model.name} {pair['version']} --reason …",
    )


def _evidence(move: Row) -> list[dict[str, Any]] | None:
    """The verdicts that a move was made on, None for one that no gate had a say in. (Older ones are lists.)"""
    evidence = move["evidence"]
    return (evidence.get("gates") or None) if isinstance(evidence, dict) else None
