"""The issuer, by a client that is not ours: Authlib, which knows nothing but the issuer's address."""

import json
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from authlib.integrations.httpx_client import OAuth2Client
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.runtime.identity.conftest import CALLBACK, Person, Running, sent_back


@pytest.fixture
def discovered(running: Running) -> dict[str, Any]:
    """The issuer's own description, with its addresses on loopback: there is no gateway in this test."""
    document = running.http.get(f"{running.address}/.well-known/openid-configuration").raise_for_status().text
    assert json.loads(document)["issuer"] == running.issuer.url
    found: dict[str, Any] = json.loads(document.replace(running.issuer.url, running.address))
    return {**found, "issuer": running.issuer.url}


def claims(token: str, discovered: dict[str, Any], **expected: str) -> dict[str, Any]:
    """A token's claims, checked with the keys that the issuer publishes."""
    keys = KeySet.import_key_set(httpx.get(discovered["jwks_uri"], trust_env=False).json())
    assert all("d" not in key.as_dict() for key in keys), "a private key is public"
    read = jwt.decode(token, keys, algorithms=discovered["id_token_signing_alg_values_supported"])
    wanted = {name: {"essential": True, "value": value} for name, value in expected.items()}
    registry = jwt.JWTClaimsRegistry(iss={"essential": True, "value": discovered["issuer"]}, **wanted)  # type: ignore[arg-type]
    registry.validate(read.claims)
    return dict(read.claims)


def test_a_person_by_code_and_pkce(running: Running, person: Person, discovered: dict[str, Any]) -> None:
    client = OAuth2Client(
        "groundplan-cli", redirect_uri=CALLBACK, scope="openid profile email groups offline_access",
        code_challenge_method="S256", token_endpoint_auth_method="none", trust_env=False,
    )  # fmt: skip
    url, state = client.create_authorization_url(
        discovered["authorization_endpoint"], code_verifier=person.verifier, nonce="n-0S6"
    )
    page = person._kept(running.http.get(url))
    answer = person.submit(page, "ana", running.secret("ana"))
    assert answer.headers["location"].startswith(f"{CALLBACK}?")
    assert sent_back(answer)["iss"] == discovered["issuer"]
    token = client.fetch_token(
        discovered["token_endpoint"], authorization_response=answer.headers["location"], state=state,
        code_verifier=person.verifier,
    )  # fmt: skip
    said = claims(token["id_token"], discovered, aud="groundplan-cli", sub="ana", nonce="n-0S6")
    assert (said["name"], said["email"], said["groups"]) == ("Ana <Lima>", "ana@example.org", ["engineers"])
    access = claims(token["access_token"], discovered, aud="groundplan", sub="ana", client_id="groundplan-cli")
    assert (access["roles"], access["exp"] - access["iat"]) == (["flights:ml_engineer"], 900)
    assert client.get(discovered["userinfo_endpoint"]).json()["sub"] == "ana"
    fresh = client.refresh_token(discovered["token_endpoint"])
    assert fresh["refresh_token"] != token["refresh_token"]
    assert claims(fresh["access_token"], discovered, sub="ana")["jti"] != access["jti"]
    client.revoke_token(discovered["revocation_endpoint"], fresh["refresh_token"])
    assert client.get(discovered["userinfo_endpoint"]).status_code == 401


@pytest.mark.parametrize("how", ["client_secret_basic", "client_secret_post"])
def test_a_service_account_by_client_credentials(running: Running, discovered: dict[str, Any], how: str) -> None:
    client = OAuth2Client("ci", running.secret("ci"), token_endpoint_auth_method=how, trust_env=False)
    token = client.fetch_token(discovered["token_endpoint"], grant_type="client_credentials")
    said = claims(token["access_token"], discovered, aud="groundplan", sub="ci", client_id="ci")
    assert (said["roles"], said["groups"]) == (["*:ml_engineer"], ["deployers"])
    assert "refresh_token" not in token
    assert client.get(discovered["userinfo_endpoint"]).json()["sub"] == "ci"


def test_every_address_of_the_description_is_below_the_issuer(discovered: dict[str, Any], running: Running) -> None:
    ends = [value for name, value in discovered.items() if name.endswith(("_endpoint", "_uri"))]
    assert len(ends) == 6
    assert all(urlsplit(end).path.startswith("/identity/") and end.startswith(running.address) for end in ends)
