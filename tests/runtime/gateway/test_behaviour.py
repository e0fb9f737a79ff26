"""Limits, retries, health, keys, correlation ids, and what the log keeps."""

import json
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from groundplan.gateway import authority
from groundplan.gateway.clusters import LONGEST
from groundplan.local.launch import gateway_probe
from groundplan.spec.access import LIMITS
from tests.runtime.gateway.conftest import KEYS, Stage, until
from tests.runtime.gateway.echo import Echo, Reached
from tests.support.issuer import Issuer, Key, RsaKey

PREDICT = "/serve/flights/delay/predict/feast/batch"
WORDS = {"what", "path", "value", "allowed", "fix"}


def test_a_correlation_id_is_kept_or_made_and_comes_back(stage: Stage) -> None:
    kept = stage.ask("GET", "/v1/status", "flights:viewer", headers={"X-Correlation-Id": "mine-1"})
    (seen,) = stage.reached()
    assert kept.headers["x-correlation-id"] == "mine-1"
    assert seen.header("x-correlation-id") == ["mine-1"]
    made = stage.ask("GET", "/v1/status", "flights:viewer")
    (seen,) = stage.reached()
    assert [made.headers["x-correlation-id"]] == seen.header("x-correlation-id")
    refused = stage.http.get("/v1/status", headers={"X-Correlation-Id": "mine-2"})
    assert refused.headers["x-correlation-id"] == "mine-2"
    assert refused.json()["correlation_id"] == "mine-2"


def test_refusals_have_the_product_s_shape_and_say_what_to_do(stage: Stage) -> None:
    for answer in (
        stage.http.get("/v1/status"),
        stage.ask("GET", "/v1/status"),
        stage.ask("GET", "/v1//x", "*:viewer"),
    ):
        error = answer.json()["error"]
        assert set(error) == WORDS
        assert error["what"]
        assert error["fix"]


def test_who_asks_too_often_is_told_when_to_come_back_and_others_are_not(stage: Stage) -> None:
    burst = 2 * LIMITS["write"].client
    path = "/v1/projects/flights/models/delay:train"
    end = time.monotonic() + 30
    answers = []
    while time.monotonic() < end:
        answers.append(stage.ask("POST", path, "flights:data_scientist", sub="eager"))
        if answers[-1].status_code == 429:
            break
    refused = answers[-1]
    assert refused.status_code == 429
    assert len(answers) > burst
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["error"]["fix"]
    assert stage.ask("POST", path, "flights:data_scientist", sub="patient").status_code == 200
    stage.reached()


def test_a_read_whose_answer_was_lost_is_asked_again_and_a_write_is_not(stage: Stage) -> None:
    lost: list[str] = []

    def lose_first(request: Reached) -> tuple[int, bytes]:
        lost.append(request.method)
        if len(lost) == 1:
            raise ConnectionAbortedError
        return 200, b"{}"

    plane = stage.services["controlplane"]
    plane.answer = lose_first
    try:
        assert stage.ask("GET", "/v1/status", "flights:viewer").status_code == 200
        assert lost == ["GET", "GET"]
        lost.clear()
        path = "/v1/projects/flights/models/delay:train"
        assert stage.ask("POST", path, "flights:data_scientist").status_code in (502, 503)
        assert lost == ["POST"]
    finally:
        plane.answer = None
        stage.reached()


def test_a_dead_service_is_a_clear_503_and_is_back_when_it_is(stage: Stage) -> None:
    serve = stage.services["serve"]
    serve.stop()
    try:
        answer = stage.ask("POST", PREDICT, "flights:data_scientist", json={})
        assert answer.status_code == 503
        assert answer.json()["error"]["what"]
        assert stage.ask("GET", "/v1/status", "flights:viewer").status_code == 200
    finally:
        serve.start()
    until(lambda: stage.ask("POST", PREDICT, "flights:data_scientist", json={}).is_success, "it is not asked again")
    stage.reached()


def test_an_address_that_leads_to_another_one_is_followed_and_no_answer_is_lost(stage: Stage) -> None:
    old, said = stage.services["controlplane"], []

    def ask() -> str:
        answer = stage.ask("GET", "/v1/status", "flights:viewer")
        said.append(answer.status_code)
        return str(answer.json().get("service"))

    assert ask() == "controlplane"
    old.leave()
    new = Echo("another", old.port)
    new.start()
    try:
        until(lambda: ask() == "another", "who is connected to the old one stays so", LONGEST + 10)
        assert [ask() for _ in range(20)] == ["another"] * 20
        assert set(said) == {200}
    finally:
        new.stop()
        old.healthy = True
        old.start()
    until(lambda: ask() == "controlplane", "it is not asked again")
    stage.reached()


def test_a_service_that_does_not_answer_in_time_is_given_up_in_one_line(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_up = threading.Event()

    def hang(_: Reached) -> tuple[int, bytes]:
        given_up.wait(60)
        return 200, b"{}"

    plane = stage.services["controlplane"]
    with monkeypatch.context() as patch:
        patch.setitem(LIMITS, "write", replace(LIMITS["write"], timeout=1))
        assert stage.declare(stage.settings) is None
        plane.answer = hang
        try:
            answer = stage.ask("POST", "/v1/projects/flights/models/delay:train", "flights:data_scientist")
        finally:
            given_up.set()
            plane.answer = None
    assert stage.declare(stage.settings) is None
    assert answer.status_code == 504
    assert answer.json()["error"].keys() == WORDS
    assert len(stage.reached()) == 1, "a write is not asked again"


def test_a_service_that_calls_itself_ill_is_not_asked(stage: Stage) -> None:
    plane = stage.services["controlplane"]
    plane.healthy = False
    try:
        until(lambda: stage.ask("GET", "/v1/status", "flights:viewer").status_code == 503, "an ill service is asked")
    finally:
        plane.healthy = True
    until(lambda: stage.ask("GET", "/v1/status", "flights:viewer").is_success, "it is not asked again")
    stage.reached()


def test_a_new_key_is_taken_and_the_old_one_holds_while_it_is_published(stage: Stage) -> None:
    old = stage.issuer.keys[0]
    before = stage.issuer.token("ana", "flights:viewer")
    stage.issuer.keys = [RsaKey("second"), old]
    stage.services["identity"].fixed[KEYS] = stage.issuer.jwks()
    try:
        until(lambda: stage.ask("GET", "/v1/status", "flights:viewer").is_success, "the new key is not fetched")
        assert stage.http.get("/v1/status", headers={"Authorization": f"Bearer {before}"}).status_code == 200
        stage.issuer.keys = [stage.issuer.keys[0]]
        stage.services["identity"].fixed[KEYS] = stage.issuer.jwks()

        def opens() -> bool:
            """With a token that the gateway has not seen: one that it has holds until it ends."""
            fresh = Issuer(stage.issuer.name, [old]).token("ana", "flights:viewer")
            return stage.http.get("/v1/status", headers={"Authorization": f"Bearer {fresh}"}).is_success

        until(lambda: not opens(), "a withdrawn key still opens")
    finally:
        stage.issuer.keys = [old]
        stage.services["identity"].fixed[KEYS] = stage.issuer.jwks()
        until(lambda: stage.ask("GET", "/v1/status", "flights:viewer").is_success, "the key is not fetched")
        stage.reached()


def test_an_issuer_that_is_down_for_a_while_stops_nobody(stage: Stage) -> None:
    issuer = stage.services["identity"]
    issuer.stop()
    try:
        assert stage.ask("GET", "/v1/status", "flights:viewer").status_code == 200
    finally:
        issuer.start()
    until(lambda: stage.http.get("/identity/x").is_success, "the issuer is not asked again")
    stage.reached()


def test_an_edit_reaches_the_running_gateway_and_open_connections_stay(stage: Stage) -> None:
    before = stage.settings
    added = Echo("added", int(before.upstreams["serve"].split(":")[1]) + 20)
    added.start()
    try:
        path = "/serve/flights/fresh/predict/feast/batch"
        assert stage.ask("POST", path, "flights:data_scientist").json() == {"service": "serve"}
        singles = {**before.singles, "flights/fresh": f"127.0.0.1:{added.port}"}
        changed = replace(before, projects=(*before.projects, "new"), singles=singles)
        assert stage.ask("GET", "/v1/registry/models/new/m", "new:viewer").status_code == 403
        assert stage.declare(changed) is None
        assert stage.ask("GET", "/v1/registry/models/new/m", "new:viewer").status_code == 200
        ask = lambda: stage.ask("POST", path, "flights:data_scientist")  # noqa: E731
        until(lambda: ask().is_success and ask().json() == {"service": "added"}, "the new application is not asked")
        assert stage.process.poll() is None
    finally:
        assert stage.declare(before) is None
        added.stop()
        stage.reached()


def test_a_configuration_that_envoy_refuses_is_told_and_the_old_one_stays(stage: Stage) -> None:
    before = stage.settings
    try:
        trouble = stage.declare(replace(before, upstreams={**before.upstreams, "serve": "127.0.0.1:70000"}))
        assert trouble
    finally:
        assert stage.declare(before) is None
    assert stage.ask("GET", "/v1/status", "flights:viewer").status_code == 200
    stage.reached()


def test_its_probe_finds_it_well_until_its_certificate_ends_soon(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    envoy = gateway_probe.Administration(stage.files.socket)
    assert gateway_probe.days_left(envoy.ask("/certs")) == [authority.CERTIFICATE.days - 1]
    assert gateway_probe.gateway(envoy)
    assert authority.EARLY.days == gateway_probe.EARLY
    monkeypatch.setattr(gateway_probe, "EARLY", authority.CERTIFICATE.days)
    assert not gateway_probe.gateway(envoy)


def test_the_log_names_who_asked_for_what_and_holds_no_token(stage: Stage) -> None:
    token = stage.issuer.token("ana", "flights:viewer")
    headers = {"Authorization": f"Bearer {token}", "X-Correlation-Id": "in-the-log"}
    stage.http.get(f"/v1/status?code=secret-code&access_token={token}", headers=headers)
    log = stage.files.runtime.data_dir / "gateway.log"
    until(lambda: "in-the-log" in log.read_text(), "no line in the log")
    text = log.read_text()
    line = next(json.loads(each) for each in text.splitlines() if '"in-the-log"' in each)
    assert (line["caller"], line["rule"], line["status"], line["path"]) == ("ana", "status", 200, "/v1/status")
    for secret in (token, token.split(".")[2], "secret-code", "the-proof", "for-mlflow", "for-ray"):
        assert secret not in text
    stage.reached()


def test_its_files_are_this_user_s_and_its_administration_is_on_no_port(stage: Stage) -> None:
    folder = stage.files.runtime.data_dir / "gateway"
    for file in folder.rglob("*"):
        assert file.stat().st_mode & 0o077 == 0, file
    assert stage.files.socket.stat().st_mode & 0o077 == 0
    environment = f"/proc/{stage.process.pid}/environ"
    with open(environment, "rb") as file:
        content = file.read()
    assert b"the-proof" not in content


def test_whoever_does_not_trust_the_stack_s_authority_is_not_served_silently(stage: Stage) -> None:
    program = "import httpx, sys; httpx.get(sys.argv[1], trust_env=False)"
    done = subprocess.run([sys.executable, "-c", program, stage.url], capture_output=True, text=True)
    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


@pytest.mark.parametrize("kid", ["unknown"])
def test_an_unknown_key_is_refused_at_once(stage: Stage, kid: str) -> None:
    start = time.monotonic()
    stage.issuer.keys.insert(0, Key(kid))
    try:
        assert stage.ask("GET", "/v1/status", "flights:viewer").status_code == 401
    finally:
        stage.issuer.keys.pop(0)
    assert time.monotonic() - start < 5
    assert not stage.reached()
