"""Pairs and aliases in our own tables: the truth that MLflow mirrors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.controlplane.db.tables import alias_moves, aliases, pairs
from groundplan.controlplane.problem import ApiProblem
from groundplan.controlplane.store import Actor, record


def mlflow_name(project: str, model: str) -> str:
    """Return what MLflow calls a model, without the half."""
    return f"{project}_{model}"


def pairs_of(connection: sa.Connection, project: str, model: str) -> list[dict[str, Any]]:
    """Return the committed pair versions of a model, oldest first."""
    query = sa.select(pairs).where(pairs.c.project == project, pairs.c.model == model, pairs.c.state == "committed")
    return [dict(row) for row in connection.execute(query.order_by(pairs.c.version)).mappings()]


def pair_by_digest(connection: sa.Connection, project: str, model: str, digest: str) -> dict[str, Any] | None:
    """Return the committed pair that a digest made, or None."""
    return next((pair for pair in pairs_of(connection, project, model) if pair["digest"] == digest), None)


def features_of(connection: sa.Connection, project: str, model: str, version: int) -> dict[str, Any] | None:
    """Return the features that a pair version was trained on, None where they were not kept or there is no such one."""
    where = (pairs.c.project == project, pairs.c.model == model, pairs.c.version == version)
    found = connection.execute(sa.select(pairs.c.features).where(*where)).scalar_one_or_none()
    return dict(found) if found is not None else None


def standing(connection: sa.Connection, project: str, model: str, version: int) -> dict[str, Any] | None:
    """Return the committed pair that a number means: its own, or the one that took its place when it lost a half."""
    known = pairs_of(connection, project, model)
    digest = digest_of(connection, project, model, version)
    own = next((pair for pair in known if pair["version"] == version), None)
    return own or next((pair for pair in known if pair["digest"] == digest), None)


def digest_of(connection: sa.Connection, project: str, model: str, version: int | None) -> str | None:
    """Return the digest that made a pair version, whatever became of it; None for one that never was, or was purged."""
    where = (pairs.c.project == project, pairs.c.model == model, pairs.c.version == version, pairs.c.state != "purged")
    found = connection.execute(sa.select(pairs.c.digest).where(*where)).scalar_one_or_none()
    return str(found) if found is not None else None


def taken(connection: sa.Connection, project: str, model: str, digest: str) -> set[int]:
    """Return the numbers that the pair of a digest must not get: another pair has them, or had them."""
    where = (pairs.c.project == project, pairs.c.model == model)
    other = sa.or_(pairs.c.digest != digest, pairs.c.state != "committed")
    return set(connection.execute(sa.select(pairs.c.version).where(*where, other)).scalars())


def commit_pair(
    connection: sa.Connection, project: str, model: str, version: int, made: Mapping[str, Any], actor: Actor
) -> None:
    """Write a pair version: from now on it can be seen. Writing it again is harmless.

    Another number that its digest had is given up in the same transaction.
    """
    before = pair_by_digest(connection, project, model, made["digest"])
    if before is not None and before["version"] != version:
        void_pair(connection, project, model, before["version"], actor)
    key = {"project": project, "model": model, "version": version}
    statement = insert(pairs).values(**key, state="committed", **made).on_conflict_do_nothing()
    if connection.execute(statement).rowcount:
        record(connection, actor, "commit", (project, "pair", model), None, {"version": version, **made})


def void_pair(connection: sa.Connection, project: str, model: str, version: int, actor: Actor) -> None:
    """Give up a pair version that is no more: its digest may make another one."""
    where = (pairs.c.project == project, pairs.c.model == model, pairs.c.version == version)
    statement = sa.update(pairs).where(*where, pairs.c.state == "committed").values(state="void")
    if connection.execute(statement).rowcount:
        record(connection, actor, "void", (project, "pair", model), {"version": version}, None)


@dataclass(frozen=True)
class Pointer:
    """Where an alias points; ``hold`` is why it stays there whatever the YAML follows."""

    version: int | None
    generation: int
    hold: str | None
    hold_actor: str | None


def lock_of(project: str, model: str) -> str:
    """Return the name of the lock under which a model's aliases move, and applications are told what answers.

    One for all aliases of a model: an application that loads two of them is told both at once.
    """
    return f"aliases/{project}/{model}"


def pointer(connection: sa.Connection, project: str, model: str, alias: str) -> Pointer:
    """Return where an alias points now; one that was never moved points to nothing, at generation 0."""
    row = connection.execute(sa.select(aliases).where(*_of(project, model, alias))).mappings().one_or_none()
    if row is None:
        return Pointer(None, 0, None, None)
    return Pointer(row["version"], row["generation"], row["hold_reason"], row["hold_actor"])


def move(
    connection: sa.Connection,
    project: str,
    model: str,
    alias: str,
    old: Pointer,
    version: int | None,
    actor: Actor,
    evidence: Any = None,
    cause: str = "follow",
) -> None:
    """Move an alias by compare-and-set and append the move. ApiProblem 409 when somebody else moved it meanwhile."""
    key = {"project": project, "model": model, "alias": alias}
    connection.execute(insert(aliases).values(**key, generation=0).on_conflict_do_nothing())
    where = (*_of(project, model, alias), aliases.c.generation == old.generation)
    values = {"version": version, "generation": old.generation + 1}
    if not connection.execute(sa.update(aliases).where(*where).values(values)).rowcount:
        raise ApiProblem(409, f"alias {alias} of {model} was moved by somebody else meanwhile", fix="try again")
    moved = {"from_version": old.version, "to_version": version, "cause": cause, "evidence": evidence}
    connection.execute(sa.insert(alias_moves).values(**key, **moved, actor=actor.name, reason=actor.reason))
    before = {"version": old.version, "generation": old.generation}
    after = {**values, "cause": cause, "evidence": evidence}
    record(connection, actor, "move", (project, "alias", f"{model}@{alias}"), before, after)


def pointed_to(connection: sa.Connection, project: str, model: str, alias: str) -> set[int]:
    """Return every version that an alias ever pointed to."""
    where = (alias_moves.c.project == project, alias_moves.c.model == model, alias_moves.c.alias == alias)
    found = connection.execute(sa.select(alias_moves.c.to_version).where(*where)).scalars()
    return {version for version in found if version is not None}


def previous(connection: sa.Connection, project: str, model: str, alias: str) -> int | None:
    """Return the version that an alias pointed to before it came to where it is, None when there was none."""
    of = (alias_moves.c.project == project, alias_moves.c.model == model, alias_moves.c.alias == alias)
    query = sa.select(alias_moves.c.from_version).where(*of).order_by(alias_moves.c.seq.desc()).limit(1)
    return connection.execute(query).scalar_one_or_none()


def hold(connection: sa.Connection, project: str, model: str, alias: str, reason: str | None, actor: Actor) -> None:
    """Hold an alias where it is, with a reason; None lets it follow again. Saying it again is harmless."""
    values = {"hold_reason": reason, "hold_actor": actor.name if reason else None}
    where = (*_of(project, model, alias), aliases.c.hold_reason.is_distinct_from(reason))
    if connection.execute(sa.update(aliases).where(*where).values(values)).rowcount:
        about = (project, "alias", f"{model}@{alias}")
        record(connection, actor, "hold" if reason else "release", about, None, values)


def drop(connection: sa.Connection, project: str, model: str, alias: str, actor: Actor) -> None:
    """Forget an alias; its moves stay."""
    now = pointer(connection, project, model, alias)
    if connection.execute(sa.delete(aliases).where(*_of(project, model, alias))).rowcount:
        if now.version is not None:
            moved = {"from_version": now.version, "to_version": None, "actor": actor.name, "reason": actor.reason}
            key = {"project": project, "model": model, "alias": alias}
            connection.execute(sa.insert(alias_moves).values(**key, **moved, cause="delete"))
        record(connection, actor, "drop", (project, "alias", f"{model}@{alias}"), {"version": now.version}, None)


def forget_pairs(connection: sa.Connection, project: str, model: str, actor: Actor) -> None:
    """Forget a model's pair versions: they were purged. Their numbers stay theirs: history names them for ever."""
    known = [pair["version"] for pair in pairs_of(connection, project, model)]
    where = (pairs.c.project == project, pairs.c.model == model, pairs.c.state != "purged")
    if connection.execute(sa.update(pairs).where(*where).values(state="purged")).rowcount:
        record(connection, actor, "purge", (project, "pair", model), {"versions": known}, None)


def aliases_of(connection: sa.Connection, project: str, model: str) -> list[dict[str, Any]]:
    """Return a model's aliases and where they point."""
    query = sa.select(aliases).where(aliases.c.project == project, aliases.c.model == model).order_by(aliases.c.alias)
    return [dict(row) for row in connection.execute(query).mappings()]


def _of(project: str, model: str, alias: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (aliases.c.project == project, aliases.c.model == model, aliases.c.alias == alias)
