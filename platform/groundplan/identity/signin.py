"""Who signs in: passwords, the limit on failed tries, and the browser's session."""

import secrets
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from groundplan.identity import db
from groundplan.identity.issuer import Issuer
from groundplan.identity.passwords import matches
from groundplan.identity.problem import PageProblem

#: So many failed tries of one name in so long; then it must wait.
TRIES, WINDOW = 5, timedelta(minutes=1)
SESSION = timedelta(hours=8)
#: Longer names are nobody's: what is kept of a failure has an end.
LONGEST = 40


def sign_in(issuer: Issuer, name: str, password: str) -> str | None:
    """Return a new session when the password is the user's, None when it is not.

    PageProblem 429 after too many failed tries, also for names that nobody has.
    """
    name = name.strip().lower()[:LONGEST]
    now = issuer.now()
    with issuer.engine.begin() as connection:
        _limit(connection, issuer, name)
        subject = issuer.subject(connection, name)
    kept = subject.secret_hash if subject is not None and subject.kind == "user" else None
    right = matches(password, kept)
    with issuer.engine.begin() as connection:
        if not right:
            connection.execute(sa.insert(db.failures).values(subject=name, at=now))
            return None
        connection.execute(sa.delete(db.failures).where(db.failures.c.subject == name))
        session = secrets.token_urlsafe(32)
        values = {"digest": db.digest(session), "subject": name, "signed_in": now, "expires": now + SESSION}
        connection.execute(sa.insert(db.sessions).values(values))
        return session


def session_of(connection: sa.Connection, issuer: Issuer, session: str | None) -> Any:
    """Return the row of a session that lives, None else."""
    if not session:
        return None
    found = sa.select(db.sessions).where(db.sessions.c.digest == db.digest(session))
    row = connection.execute(found).one_or_none()
    return row if row is not None and row.expires > issuer.now() else None


def end_session(connection: sa.Connection, issuer: Issuer, digest: str) -> None:
    """End a session and the sign-ins of every client that came of it."""
    connection.execute(sa.delete(db.sessions).where(db.sessions.c.digest == digest))
    mine = sa.update(db.families).where(db.families.c.session == digest, db.families.c.revoked.is_(None))
    connection.execute(mine.values(revoked=issuer.now()))


def _limit(connection: sa.Connection, issuer: Issuer, name: str) -> None:
    since = issuer.now() - WINDOW
    connection.execute(sa.delete(db.failures).where(db.failures.c.at < since))
    tried = sa.select(sa.func.count(), sa.func.min(db.failures.c.at)).where(db.failures.c.subject == name)
    count, first = connection.execute(tried).one()
    if count >= TRIES:
        wait = max(1, int((first - since).total_seconds()))
        text = f"Too many failed tries. Try again in {wait} seconds."
        raise PageProblem(text, 429, {"Retry-After": str(wait)})
