"""One look at the tables, in a handful of queries however many models there are."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from groundplan.controlplane import retirements, store
from groundplan.controlplane.db.tables import alias_moves, aliases, approvals, pairs
from groundplan.controlplane.store import Resource

#: What of a pair a list needs: what it was trained on is long.
_PAIR = ("project", "model", "version", "digest", "run_id", "metrics", "trained_by", "state", "created_at", "source")
Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass
class Known:
    """What the tables say of one model."""

    model: Resource
    project: Resource | None = None
    service: Resource | None = None
    aliases: list[Resource] = field(default_factory=list)
    applications: list[Resource] = field(default_factory=list)
    #: Every pair that was not purged, oldest first; those whose state is committed can be loaded.
    pairs: list[Row] = field(default_factory=list)
    pointers: list[Row] = field(default_factory=list)
    moves: list[Row] = field(default_factory=list)
    approvals: list[Row] = field(default_factory=list)
    retirements: list[Row] = field(default_factory=list)

    @property
    def committed(self) -> list[Row]:
        """The pair versions that there are."""
        return [pair for pair in self.pairs if pair["state"] == "committed"]

    def digest_of(self, version: int | None) -> str | None:
        """Return the digest of the pair that a number means, or meant."""
        return next((pair["digest"] for pair in self.pairs if pair["version"] == version), None)


def read(connection: sa.Connection, project: str | None = None, model: str | None = None) -> list[Known]:
    """Return what is known of every model, of a project's, or of one, by project and name."""
    found = [r for kind in ("model", "project", "feature_service", "alias", "serving_application")
             for r in store.every(connection, project, kind)]  # fmt: skip
    known = {(r.project, r.name): Known(r) for r in found if r.kind == "model" and model in (None, r.name)}
    _declared(known, found)
    given = (project, model)
    _rows(known, "pairs", connection, sa.select(*(pairs.c[name] for name in _PAIR)).where(pairs.c.state != "purged")
          .order_by(pairs.c.version), pairs, given)  # fmt: skip
    _rows(known, "pointers", connection, sa.select(aliases).order_by(aliases.c.alias), aliases, given)
    _rows(known, "moves", connection, sa.select(alias_moves).order_by(alias_moves.c.seq), alias_moves, given)
    _rows(known, "approvals", connection, sa.select(approvals).order_by(approvals.c.seq), approvals, given)
    for row in retirements.retirements_of(connection, project, model):
        if (row["project"], row["model"]) in known:
            known[row["project"], row["model"]].retirements.append(row)
    return [known[key] for key in sorted(known)]


def _declared(known: Mapping[Key, Known], found: Iterable[Resource]) -> None:
    by_id: dict[str, Resource] = {}
    of: dict[tuple[str, str, str], list[Resource]] = defaultdict(list)
    for resource in found:
        by_id[resource.id] = resource
        of[resource.kind, resource.project, str(resource.properties.get("model"))].append(resource)
    for (project, name), each in known.items():
        each.project = by_id.get(f"{project}/project/{project}")
        each.service = by_id.get(f"{project}/feature_service/{each.model.properties['feature_service']}")
        each.aliases = of["alias", project, name]
        each.applications = of["serving_application", project, name]


def _rows(
    known: Mapping[Key, Known],
    name: str,
    connection: sa.Connection,
    query: sa.Select[Any],
    table: sa.Table,
    given: tuple[str | None, str | None],
) -> None:
    where = [table.c[column] == value for column, value in zip(("project", "model"), given, strict=True) if value]
    for row in connection.execute(query.where(*where)).mappings():
        each = known.get((row["project"], row["model"]))
        if each is not None:
            getattr(each, name).append(dict(row))
