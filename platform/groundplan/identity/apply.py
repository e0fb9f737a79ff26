"""Makes the issuer know whom the stack declares, and forget the others with everything they hold."""

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from groundplan.identity import db
from groundplan.identity.declaration import Subject
from groundplan.identity.passwords import hashed, matches
from groundplan_runtime.config import Runtime


def apply(engine: sa.Engine, runtime: Runtime, declared: tuple[Subject, ...]) -> None:
    """Write who is declared, in one transaction. RuntimeProblem when somebody's secret cannot be read.

    Sessions, codes and tokens of those who are declared no more go with them; what tokens say of the others changes
    with their next one, within 15 minutes.
    """
    with engine.begin() as connection:
        known = {row.name: row for row in connection.execute(sa.select(db.subjects))}
        gone = known.keys() - {one.name for one in declared}
        # Who was a user and is a service account now shares a name with them, nothing else.
        gone |= {one.name for one in declared if one.name in known and known[one.name].kind != one.kind}
        connection.execute(sa.delete(db.subjects).where(db.subjects.c.name.in_(gone)))
        for one in declared:
            before = None if one.name in gone or one.name not in known else known[one.name].secret_hash
            _write(connection, one, runtime.secret(one.secret), before)


def _write(connection: sa.Connection, one: Subject, secret: str, before: str | None) -> None:
    kept = before if before and matches(secret, before) else hashed(secret)
    values = {
        "name": one.name, "kind": one.kind, "display": one.display, "email": one.email,
        "groups": list(one.groups), "roles": list(one.roles), "secret_hash": kept,
    }  # fmt: skip
    statement = insert(db.subjects).values(values)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=values))
    if before and kept != before:
        # Another password: what was got with the old one ends.
        for table in (db.sessions, db.families):
            connection.execute(sa.delete(table).where(table.c.subject == one.name))
