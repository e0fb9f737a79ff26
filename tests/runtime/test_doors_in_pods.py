"""Issuer, MLflow, control plane and gateway as in their pods: one gets in by the gateway, with a token."""

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from groundplan.gateway import Settings
from groundplan.gateway.authority import ensure
from groundplan.identity.declaration import Subject, to_json
from groundplan.local.folder import write_private
from tests.support.pods import LAUNCH, Pods, until

CI = Subject("ci", "service_account", "ci", None, ("deployers",), ("*:ml_engineer",))
UPSTREAMS = ("identity", "controlplane", "mlflow", "feast", "ray", "serve")
pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    found = Pods.of(tmp_path_factory.mktemp("pods"), **{CI.secret.replace("-", "__"): "secret-of-ci"})
    try:
        found.start_database()
        found.start_objects()
        found.start(f"{LAUNCH}.valkey", *found.named("online_store"))
        found.start("groundplan.identity", *found.named("identity"))
        done = found.run("groundplan.identity.setup", to_json((CI,)))
        assert done.returncode == 0, done.stderr
        found.start(f"{LAUNCH}.tracking", *found.named("mlflow"))
        _start_gateway(found)
        until(lambda: found.answers("mlflow"))
        found.start("groundplan.controlplane")
        until(lambda: found.answers("controlplane") and found.answers("gateway"))
        yield found
    finally:
        found.end()


def _start_gateway(pods: Pods) -> None:
    """With what its ConfigMap and its Secret hold."""
    tls = pods.root / "tls"
    tls.mkdir()
    chain, key = ensure(tls, "kind", write_private, hosts=[pods.address])
    (tls / "tls.crt").write_text(chain)
    (tls / "tls.key").write_text(key)
    settings = Settings(
        port=pods.ports["gateway"],
        projects=("flights",),
        upstreams={name: pods.host(name) for name in UPSTREAMS},
        issuer=f"{pods.runtime.endpoint('gateway')}/identity",
        jwks=f"{pods.runtime.endpoint('identity')}/identity/jwks",
        bind="0.0.0.0",
        hosts=(pods.host("gateway"),),
    )
    declared = pods.root / "settings.json"
    declared.write_text(json.dumps(settings.to_dict()))
    pods.start(f"{LAUNCH}.gateway_pod", str(declared), str(tls), f"gateway_admin={pods.ports['statistics']}")


@pytest.fixture(scope="module")
def door(pods: Pods) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=str(pods.root / "tls" / "ca.pem"))
    with httpx.Client(
        base_url=f"https://{pods.host('gateway')}", verify=trusted, trust_env=False, timeout=30
    ) as client:
        yield client


@pytest.fixture(scope="module")
def token(door: httpx.Client) -> str:
    asked = {"grant_type": "client_credentials", "client_id": "ci", "client_secret": "secret-of-ci"}
    until(lambda: door.get("/identity/jwks").is_success)
    answer = door.post("/identity/token", data=asked)
    assert answer.is_success, answer.text
    return str(answer.json()["access_token"])


def test_the_issuer_calls_itself_by_the_gateway(pods: Pods, door: httpx.Client, token: str) -> None:
    found = door.get("/identity/.well-known/openid-configuration").json()
    assert found["issuer"] == f"https://localhost:{pods.ports['gateway']}/identity"


def test_nobody_gets_in_without_a_token(door: httpx.Client, token: str) -> None:
    assert door.get("/v1/status").status_code == 401
    assert door.get("/v1/status", headers={"Authorization": "Bearer x.y.z"}).status_code == 401


def test_a_token_leads_to_the_services_behind_it(door: httpx.Client, token: str) -> None:
    shown = {"Authorization": f"Bearer {token}"}
    until(lambda: door.get("/v1/status", headers=shown).status_code == 200)
    until(lambda: door.get("/mlflow/health", headers=shown).status_code in (200, 404))


def test_past_the_gateway_services_refuse(pods: Pods) -> None:
    assert httpx.get(f"http://{pods.host('controlplane')}/v1/status", trust_env=False).status_code == 401
    answer = httpx.get(f"http://{pods.host('mlflow')}/api/2.0/mlflow/experiments/search", trust_env=False)
    assert answer.status_code in (401, 405)


def test_who_deploys_gets_in_with_the_control_planes_own_token(pods: Pods) -> None:
    shown = {"Authorization": "Bearer controlplane-token"}
    url = f"http://{pods.host('controlplane')}"
    assert httpx.get(f"{url}/v1/status", headers=shown, trust_env=False).status_code == 200


def test_the_gateway_is_called_by_its_names_only(door: httpx.Client, token: str) -> None:
    """By another name nothing is reached: whichever filter comes first refuses (as in gateway/test_hostile.py)."""
    elsewhere = {"Host": "evil.example.org"}
    shown = {**elsewhere, "Authorization": f"Bearer {token}"}
    for path, headers in (("/v1/projects", shown), ("/identity/jwks", elsewhere)):
        assert door.get(path, headers=headers).status_code in (401, 403, 404), path


def test_monitoring_gets_the_gateways_figures_and_nothing_else(pods: Pods) -> None:
    inside = f"http://{pods.host('statistics')}"
    assert "envoy_" in httpx.get(f"{inside}/stats/prometheus", trust_env=False).text
    assert httpx.get(f"{inside}/ready", trust_env=False).status_code == 200
    assert httpx.get(f"{inside}/config_dump", trust_env=False).status_code == 404


def test_logs_hold_no_secret(pods: Pods) -> None:
    for log in Path(pods.root).glob("*.log"):
        text = log.read_text(errors="replace")
        assert "secret-of-ci" not in text, log.name
        assert "controlplane-token" not in text, log.name
