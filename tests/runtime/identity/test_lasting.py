"""What must last: keys while their tokens live, codes and tokens over ``kill -9``; and what must not."""

import dataclasses
import os
import signal
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from groundplan.identity import db
from groundplan.identity.apply import apply
from groundplan.identity.issuer import Issuer
from groundplan.identity.keys import AFTER, AHEAD, ROTATE
from groundplan.identity.problem import OAuthProblem
from groundplan.identity.tokens import ACCESS, access_token, read_access_token
from groundplan.local.program import Program
from groundplan.local.waiting import await_healthy
from tests.runtime.identity.conftest import ANA, BEN, CI, PEOPLE, Person, Running


def test_killed_between_code_and_token_nothing_is_lost(person: Person, running: Running) -> None:
    before = person.tokens(person.sign_in()).json()
    code = person.sign_in()
    pid = running.pid()
    os.kill(pid, signal.SIGKILL)
    _await(running)
    assert running.pid() != pid
    assert person.tokens(code).status_code == 200
    refresh = before["refresh_token"]
    again = running.token(grant_type="refresh_token", client_id="groundplan-cli", refresh_token=refresh)
    assert again.status_code == 200
    assert person.cookies
    assert read_access_token(running.issuer, before["access_token"])["sub"] == "ana", "the keys are others"


def test_a_new_key_is_known_before_it_signs_and_an_old_one_till_its_tokens_are_dead(running: Running) -> None:
    with running.issuer.engine.connect() as connection:
        ana = running.issuer.subject(connection, "ana")
        newest = connection.execute(sa.select(sa.func.max(db.signing_keys.c.signs_from))).scalar_one()
    old = _kids(running.issuer, newest)
    early = newest + ROTATE - AHEAD + timedelta(minutes=1)
    both = _kids(running.issuer, early)
    assert len(both) == len(old) + 1
    assert _signs(running.issuer, early) in old
    late = early + AHEAD
    assert _signs(running.issuer, late) not in old
    last = access_token(_at(running.issuer, late - timedelta(minutes=2)), ana, "groundplan-cli", "openid")
    alive = _at(running.issuer, late + ACCESS - timedelta(minutes=3))
    assert read_access_token(alive, last)["sub"] == "ana"
    # The next rotation removes keys that no live token was signed with.
    long_after = late + ROTATE + AFTER
    assert old[-1] not in _kids(running.issuer, long_after)
    with pytest.raises(OAuthProblem, match="not ours"):
        read_access_token(_at(running.issuer, long_after), last)
    with running.issuer.engine.begin() as connection:
        connection.execute(sa.delete(db.signing_keys).where(db.signing_keys.c.signs_from > newest))


def test_the_database_holds_nothing_that_opens_anything(person: Person, running: Running) -> None:
    tokens = person.tokens(person.sign_in()).json()
    with running.issuer.engine.connect() as connection:
        rows = [str(row) for table in db.metadata.sorted_tables for row in connection.execute(sa.select(table))]
    kept = "\n".join(rows)
    assert len(rows) > 5
    secrets = [tokens[name] for name in ("access_token", "id_token", "refresh_token")]
    for secret in (*secrets, running.secret("ana"), running.secret("ci"), "PRIVATE KEY", "'d':"):
        assert secret not in kept
    with pytest.raises(JoseError):
        dataclasses.replace(running.issuer, seal="another").keys.signing(running.issuer.now())


def test_a_token_that_another_signed_with_our_key_id(running: Running) -> None:
    kid = running.issuer.keys.signing(running.issuer.now()).kid
    forged = RSAKey.generate_key(2048, {"kid": kid})
    with running.issuer.engine.connect() as connection:
        ana = running.issuer.subject(connection, "ana")
    good = access_token(running.issuer, ana, "groundplan-cli", "openid")
    claims = read_access_token(running.issuer, good)
    for header, key in (({"alg": "RS256", "kid": kid}, forged), ({"alg": "RS256", "kid": "x"}, forged)):
        with pytest.raises(OAuthProblem, match="not ours"):
            read_access_token(running.issuer, jwt.encode(header, claims, key))
    with pytest.raises(OAuthProblem):
        read_access_token(_at(running.issuer, running.issuer.now() + ACCESS * 2), good)


def test_who_is_declared_no_more_is_gone_with_their_tokens(person: Person, running: Running) -> None:
    refresh = person.tokens(person.sign_in("ben")).json()["refresh_token"]
    code = person.sign_in("ben")
    apply(running.issuer.engine, running.runtime, (ANA, CI))
    try:
        assert person.tokens(code).status_code == 400
        answer = running.token(grant_type="refresh_token", client_id="groundplan-cli", refresh_token=refresh)
        assert answer.status_code == 400
        assert person.submit(person.open(), "ben", running.secret("ben")).status_code == 401
    finally:
        apply(running.issuer.engine, running.runtime, PEOPLE)


def test_a_grant_reaches_people_with_their_next_token(person: Person, running: Running) -> None:
    first = person.tokens(person.sign_in("ben")).json()
    assert read_access_token(running.issuer, first["access_token"])["roles"] == []
    granted = dataclasses.replace(BEN, roles=("flights:viewer",))
    apply(running.issuer.engine, running.runtime, (ANA, granted, CI))
    try:
        refresh = first["refresh_token"]
        next_one = running.token(grant_type="refresh_token", client_id="groundplan-cli", refresh_token=refresh).json()
        assert read_access_token(running.issuer, next_one["access_token"])["roles"] == ["flights:viewer"]
    finally:
        apply(running.issuer.engine, running.runtime, PEOPLE)


def _at(issuer: Issuer, now: datetime) -> Issuer:
    return dataclasses.replace(issuer, now=lambda: now)


def _kids(issuer: Issuer, now: datetime) -> list[str]:
    return [str(key["kid"]) for key in issuer.keys.public(now)]


def _signs(issuer: Issuer, now: datetime) -> str:
    return str(issuer.keys.signing(now).kid)


def _await(running: Running) -> None:
    inputs = next(inputs for key, inputs in running.stack.declared.items() if key[1] == "identity")
    trouble = await_healthy(Program.of(inputs), running.stack.context(), 60)
    assert trouble is None, trouble
