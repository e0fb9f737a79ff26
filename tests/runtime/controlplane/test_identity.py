"""Who the control plane takes its callers for: by the gateway's proof, or by the deployer's token."""

import json
from typing import Any

import pytest

from tests.runtime.controlplane.conftest import Plane
from tests.support.issuer import encoded


def through(plane: Plane, **claims: Any) -> dict[str, str]:
    """The headers that the gateway adds for a token of these claims."""
    said = {"sub": "ana", "name": "Ana", "groups": ["engineers"], "roles": ["p:viewer"], **claims}
    proof = plane.platform.runtime.secret("gateway-token")
    identity = encoded(json.dumps({k: v for k, v in said.items() if v is not None}).encode())
    return {"Authorization": "", "X-Groundplan-Gateway": proof, "X-Groundplan-Identity": identity}


def test_the_gateway_s_proof_opens_and_names_who_asks(plane: Plane) -> None:
    headers = {**through(plane, sub="ana"), "X-Groundplan-Actor": "root"}
    body = {"join_key": "who", "type": "string", "description": ""}
    digest = {"digest": "a" * 16, "data_digest": "a" * 16, "properties": body, "upstream": {}}
    path = "/v1/projects/p/resources/entity/who"
    assert plane.http.put(path, json=digest, headers=headers).status_code in (200, 202)
    found = plane.http.get("/v1/audit/events?limit=1000&newest=true").json()["events"]
    assert {event["actor"] for event in found if event["name"] == "who"} == {"ana"}


@pytest.mark.parametrize("proof", ["", "wrong", "Bearer wrong"])
def test_a_wrong_proof_opens_nothing_even_beside_the_deployer_s_token(plane: Plane, proof: str) -> None:
    headers = {**through(plane), "X-Groundplan-Gateway": proof}
    headers["Authorization"] = str(plane.http.headers["Authorization"])
    assert plane.http.get("/v1/status", headers=headers).status_code == 401


@pytest.mark.parametrize("identity", ["", "x", "e30", encoded(b"null"), encoded(b'{"sub": ""}')])
def test_a_proof_without_a_name_opens_nothing(plane: Plane, identity: str) -> None:
    headers = {**through(plane), "X-Groundplan-Identity": identity}
    assert plane.http.get("/v1/status", headers=headers).status_code == 401


def test_an_empty_proof_file_opens_to_nobody(plane: Plane) -> None:
    headers = through(plane)
    file = plane.platform.runtime.secret_file("gateway-token")
    content = file.read_text()
    file.write_text("\n")
    try:
        for proof in ("", headers["X-Groundplan-Gateway"]):
            answer = plane.http.get("/v1/status", headers={**headers, "X-Groundplan-Gateway": proof})
            assert answer.status_code == 401
    finally:
        file.write_text(content)


def test_lists_hold_what_the_caller_may_look_at(plane: Plane) -> None:
    plane.made("entity", "mine", {"join_key": "mine", "type": "string", "description": ""})

    def seen(*roles: str) -> set[str]:
        answer = plane.http.get("/v1/status", headers=through(plane, roles=list(roles))).json()
        return {resource["project"] for resource in answer["resources"]}

    assert "p" in seen("p:viewer")
    assert "p" in seen("*:viewer")
    assert seen("other:platform_admin") == set()


def test_services_are_listed_with_their_health(plane: Plane) -> None:
    found = plane.http.get("/services", headers=through(plane)).json()
    health = {service["name"]: service["health"] for service in found["services"]}
    assert health["database"] == health["online_store"] == health["objects"] == "ok"
    assert health["mlflow"] == health["ray"] == "down"
    assert plane.http.get("/services", headers={"Authorization": ""}).status_code == 401
