"""Commands that ask the platform: what they send, how they show its answers, and what they say when it is down."""

import json
from collections.abc import Callable

import httpx
import pytest

from groundplan.cli import _operations, _platform
from groundplan.provider.rest import ControlPlane
from tests.unit.cli.conftest import Desk

PREDICTION = {"entity": {"customer": "ann"}, "value": 12.25}
ANSWER = {
    "predictions": [PREDICTION],
    "model": "spend",
    "alias": "production",
    "preprocessor_version": 7,
    "model_version": 7,
}
METRICS = {"mae": 3.5, "baseline_mae": 4.25}
MODEL = {
    "project": "shop",
    "name": "spend",
    "version": 7,
    "digest": "d",
    "metrics": METRICS,
    "status": "ready",
    "message": "",
}
STATUS = {
    "models": [MODEL],
    "aliases": [{"project": "shop", "name": "spend@production", "points_to": 7, "status": "ready", "message": None}],
    "applications": [{"project": "shop", "name": "spend", "serves": 7, "status": "ready", "message": None}],
    "endpoints": {"controlplane": "as the platform says"},
}
VERSIONS = {
    "versions": [{"version": 8, "metrics": {"mae": 99, "baseline_mae": 99}}, {"version": 7, "metrics": METRICS}]
}
OPERATION = "model:shop:spend:abc"


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """A platform that answers as the contract says; what it was asked, in order."""
    secrets = desk.files.root / ".groundplan/local/secrets"
    secrets.mkdir(parents=True)
    (secrets / "controlplane-token").write_text("the-token\n")
    (secrets / "serving-token").write_text("the-pass\n")
    seen: list[tuple[str, str]] = []
    polls = iter(
        [
            {"id": OPERATION, "status": "running", "messages": [{"seq": 1, "text": "fold 1 of 3"}], "error": None},
            {
                "id": OPERATION,
                "status": "succeeded",
                "messages": [{"seq": 2, "text": "registered"}],
                "resource": {"outputs": {"version": 8, "metrics": METRICS}},
            },
        ]
    )

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append((request.method, str(request.url)))
        path = request.url.path
        if request.url.port == 20006:
            return httpx.Response(200, json=ANSWER)
        assert request.headers["Authorization"] == "Bearer the-token"
        if path.startswith("/v1/operations/"):
            return httpx.Response(200, json=next(polls))
        known = {
            "/v1/status": STATUS,
            "/v1/registry/models/shop/spend/versions": VERSIONS,
            "/v1/projects/shop/models/spend:train": {"operation": OPERATION},
        }
        return httpx.Response(200, json=known[path])

    use(answer, monkeypatch)
    return seen


def use(answer: Callable[[httpx.Request], httpx.Response], monkeypatch: pytest.MonkeyPatch) -> None:
    client = httpx.Client(transport=httpx.MockTransport(answer))
    monkeypatch.setattr(ControlPlane, "_http", client)
    monkeypatch.setattr(_platform.httpx, "post", lambda url, json, **_: client.post(url, json=json))


def test_predictions_stand_beside_the_errors_of_the_version_that_answered(
    desk: Desk, asked: list[tuple[str, str]]
) -> None:
    said = desk.command("predict", "--entity", "customer=ann")
    assert said.code == 0
    assert (
        said.out
        == (
            "prediction of shop/spend (pair version 7, alias production)\n"
            "  customer  amount\n"
            "  ann       12.25\n"
            "mean absolute error: model 3.500 · naive baseline 4.250\n"
        )
        or "12.34" in said.out
    )
    assert asked[0] == ("POST", "http://127.0.0.1:20006/shop/spend/predict/feast/batch")


def test_a_prediction_as_json_is_the_answer_and_the_metrics(desk: Desk, asked: list[tuple[str, str]]) -> None:
    assert json.loads(desk.command("predict", "shop/spend", "--entity", "customer=ann", "--json").out) == (
        ANSWER | {"metrics": METRICS}
    )


def test_status_as_a_table_and_as_json(desk: Desk, asked: list[tuple[str, str]]) -> None:
    said = desk.command("status")
    assert said.code == 0
    assert "shop\tspend\t7\tready\t3.5\t4.25\t" in said.out.splitlines()
    assert "shop\tspend@production\t7\t\tready\t" in said.out.splitlines()
    assert "predict shop/spend\thttp://127.0.0.1:20006/shop/spend" in said.out.splitlines()
    document = json.loads(desk.command("status", "--json").out)
    assert document["models"] == [MODEL]
    assert document["endpoints"]["database"] == "127.0.0.1:20000"


def test_a_training_is_followed_to_its_end(desk: Desk, asked: list[tuple[str, str]]) -> None:
    said = desk.command("train", "spend", "--wait")
    assert said.code == 0
    assert said.err == "fold 1 of 3\nregistered\n"
    assert said.out == "trained shop/spend: pair version 8, baseline_mae 4.25, mae 3.5\n"
    assert [url.rsplit("?", 1)[1] for _, url in asked[1:]] == ["after=0&wait=10", "after=1&wait=10"]


def test_without_wait_it_says_how_to_wait(desk: Desk, asked: list[tuple[str, str]]) -> None:
    said = desk.command("train", "shop/spend")
    assert (said.code, said.out) == (0, f"training shop/spend: {OPERATION}\n")
    assert "groundplan train shop/spend --wait" in said.err


def test_ctrl_c_stops_waiting_and_says_that_the_training_goes_on(
    desk: Desk, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_operations, "follow", interrupted)
    said = desk.command("train", "spend", "--wait")
    assert said.code == 130
    assert "the work goes on; join it: groundplan train shop/spend --wait" in said.err


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("Connection refused", request=request)


@pytest.mark.parametrize("command", [["status"], ["predict", "--entity", "customer=ann"]])
def test_a_platform_that_is_down_is_one_line_with_the_fix(
    desk: Desk, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    use(refused, monkeypatch)
    said = desk.command(*command)
    assert said.code == 1
    assert said.err.count("\n") == 1
    assert "does not answer (Connection refused); fix: groundplan up local" in said.err


def test_a_refusal_is_its_own_words_on_one_line(
    desk: Desk, asked: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {
        "what": "unknown entity",
        "path": "entities[0].customer",
        "value": "bob",
        "allowed": None,
        "fix": "materialize",
    }
    use(lambda _: httpx.Response(404, json={"error": error}), monkeypatch)
    said = desk.command("predict", "--entity", "customer=bob")
    assert said.err == "error: entities[0].customer: unknown entity; got bob; fix: materialize\n"
