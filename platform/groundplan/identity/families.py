"""Sign-ins and what comes of them: one-time codes, refresh tokens that rotate. Each step is one transaction."""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from groundplan.identity import db
from groundplan.identity.issuer import Issuer
from groundplan.identity.problem import OAuthProblem

CODE = timedelta(seconds=60)
#: A refresh token that nobody uses dies; a sign-in ends after a month whatever happens.
REFRESH, SIGN_IN = timedelta(hours=12), timedelta(days=30)
#: How long a used refresh token may be sent again by a client that the answer never reached.
LOST = timedelta(seconds=20)


@dataclass(frozen=True)
class Asked:
    """What a client asked for when it sent somebody to sign in."""

    client_id: str
    redirect_uri: str
    scope: str
    challenge: str
    nonce: str | None


def new_code(
    connection: sa.Connection, issuer: Issuer, asked: Asked, subject: str, session: str | None, signed_in: Any
) -> str:
    """Return a code for somebody who signed in, and begin the family of tokens that it will bring."""
    now, code, family = issuer.now(), secrets.token_urlsafe(32), secrets.token_urlsafe(16)
    _prune(connection, issuer)
    connection.execute(
        sa.insert(db.families).values(
            id=family, subject=subject, client_id=asked.client_id, scope=asked.scope, session=session,
            signed_in=signed_in, expires=now + SIGN_IN,
        )
    )  # fmt: skip
    connection.execute(
        sa.insert(db.codes).values(
            digest=db.digest(code), family=family, redirect_uri=asked.redirect_uri, challenge=asked.challenge,
            nonce=asked.nonce, expires=now + CODE,
        )
    )  # fmt: skip
    return code


def spend_code(
    issuer: Issuer, client_id: str, code: str, redirect_uri: str, verifier: str
) -> tuple[Any, str, str | None]:
    """Return a code's family, its first refresh token, its nonce. OAuthProblem ``invalid_grant`` when it does not fit.

    A code is tried once: whatever was wrong with the try, it is spent. One that comes again ends the whole family
    (RFC 6749, section 4.1.2): one of the two who have it stole it.
    """
    with issuer.engine.begin() as connection:
        mine = db.codes.c.digest == db.digest(code)
        row = connection.execute(sa.select(db.codes).where(mine).with_for_update()).one_or_none()
        if row is None:
            raise _invalid("no such code")
        connection.execute(sa.update(db.codes).where(mine).values(used=issuer.now()))
        family = family_of(connection, issuer, row.family)
        why = _code_fault(issuer, row, family, client_id, redirect_uri, verifier)
        if why:
            revoke(connection, issuer, row.family)
        else:
            refresh = new_refresh_token(connection, issuer, family)
    if why:
        raise _invalid(why)
    return family, refresh, row.nonce


def new_refresh_token(connection: sa.Connection, issuer: Issuer, family: Any) -> str:
    """Return a refresh token of a family. It dies when it is not used, and with the family."""
    token = secrets.token_urlsafe(32)
    expires = min(issuer.now() + REFRESH, family.expires)
    values = {"digest": db.digest(token), "family": family.id, "expires": expires}
    connection.execute(sa.insert(db.refresh_tokens).values(values))
    return token


def rotate(issuer: Issuer, client_id: str, token: str) -> tuple[Any, str]:
    """Return the family of a refresh token, and the token that takes its place. OAuthProblem ``invalid_grant`` else.

    One that was used ends the family, unless its successor was not used yet and it comes within 20 s: then the answer
    was lost on its way, and the successor is replaced.
    """
    with issuer.engine.begin() as connection:
        mine = db.refresh_tokens.c.digest == db.digest(token)
        row = connection.execute(sa.select(db.refresh_tokens).where(mine).with_for_update()).one_or_none()
        if row is None:
            raise _invalid("no such refresh token")
        family = family_of(connection, issuer, row.family)
        why = _refresh_fault(connection, issuer, row, family, client_id)
        if why:
            revoke(connection, issuer, row.family)
        else:
            fresh = new_refresh_token(connection, issuer, family)
            used = {"used": row.used or issuer.now(), "successor": db.digest(fresh)}
            connection.execute(sa.update(db.refresh_tokens).where(mine).values(used))
    if why:
        raise _invalid(why)
    return family, fresh


def family_of(connection: sa.Connection, issuer: Issuer, family: str) -> Any:
    """Return the row of a family that lives, None when it was revoked or has ended."""
    row = connection.execute(sa.select(db.families).where(db.families.c.id == family)).one_or_none()
    return None if row is None or row.revoked or row.expires <= issuer.now() else row


def family_of_token(connection: sa.Connection, token: str) -> Any:
    """Return the row of the family that a refresh token belongs to, None for what is none."""
    joined = sa.select(db.families).join(db.refresh_tokens, db.refresh_tokens.c.family == db.families.c.id)
    return connection.execute(joined.where(db.refresh_tokens.c.digest == db.digest(token))).one_or_none()


def revoke(connection: sa.Connection, issuer: Issuer, family: str) -> None:
    """End a family: none of its tokens brings anything any more."""
    found = sa.update(db.families).where(db.families.c.id == family, db.families.c.revoked.is_(None))
    connection.execute(found.values(revoked=issuer.now()))


def _code_fault(issuer: Issuer, row: Any, family: Any, client_id: str, redirect_uri: str, verifier: str) -> str | None:
    if row.used is not None:
        return "the code was used already"
    if row.expires <= issuer.now():
        return "the code has expired"
    if family is None or family.client_id != client_id:
        return "the code is another client's"
    if row.redirect_uri != redirect_uri:
        return "redirect_uri is not the one that was asked for"
    if not hmac.compare_digest(_challenge(verifier), row.challenge):
        return "code_verifier does not fit"
    return None


def _challenge(verifier: str) -> str:
    """RFC 7636, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _refresh_fault(connection: sa.Connection, issuer: Issuer, row: Any, family: Any, client_id: str) -> str | None:
    if family is None:
        return "its sign-in has ended"
    if family.client_id != client_id:
        return "the refresh token is another client's"
    if row.expires <= issuer.now():
        return "the refresh token has expired"
    if row.used is not None and not _answer_was_lost(connection, issuer, row):
        return "the refresh token was used already"
    return None


def _answer_was_lost(connection: sa.Connection, issuer: Issuer, row: Any) -> bool:
    if issuer.now() - row.used > LOST:
        return False
    unused = sa.update(db.refresh_tokens).where(
        db.refresh_tokens.c.digest == row.successor, db.refresh_tokens.c.used.is_(None)
    )
    # Spent, not removed: should it turn up after all, it is known, and ends the family.
    return bool(connection.execute(unused.values(used=issuer.now() - LOST)).rowcount)


def _prune(connection: sa.Connection, issuer: Issuer) -> None:
    """Remove what has ended; codes and tokens go with their family, so that one that comes again is known till then."""
    for table in (db.families, db.sessions):
        connection.execute(sa.delete(table).where(table.c.expires < issuer.now()))


def _invalid(why: str) -> OAuthProblem:
    return OAuthProblem("invalid_grant", why)
