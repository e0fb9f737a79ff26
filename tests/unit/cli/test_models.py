"""``groundplan models``: what it asks for, and how it shows what is found."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_asking import use

FOUND = {"project": "shop", "name": "spend", "stage": "production", "version": 3, "team": "sales", "owner": "o",
         "description": "What customers spend", "metrics": {"mae": 9.8765, "folds_mae": 10.0}}  # fmt: skip


@pytest.fixture
def asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> list[httpx.URL]:
    """What the control plane was asked; it knows one model, and none that is called nobody."""
    secrets = desk.files.root / ".groundplan/local/secrets"
    secrets.mkdir(parents=True)
    (secrets / "controlplane-token").write_text("the-token\n")
    urls: list[httpx.URL] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(request.url)
        found: list[Any] = [] if request.url.params.get("q") == "nobody" else [FOUND]
        return httpx.Response(200, json={"models": found, "count": len(found), "next": None})

    use(answer, monkeypatch)
    return urls


def test_what_is_asked_and_shown(desk: Desk, asked: list[httpx.URL]) -> None:
    said = desk.command("models", "customer", "spend", "--metric", "mae<20", "--metric", "r2>0", "--tag", "a=b")
    assert said.out.splitlines() == [
        "model\tstage\tversion\tmae\tteam\tdescription",
        "shop/spend\tproduction\t3\t9.877\tsales\tWhat customers spend",
    ]
    (url,) = asked
    assert url.path == "/v1/catalogue/models"
    assert url.params["q"] == "customer spend"
    assert url.params.get_list("metric") == ["mae<20", "r2>0"]
    assert url.params["tag"] == "a=b"


def test_as_json_and_when_there_is_none(desk: Desk, asked: list[httpx.URL]) -> None:
    assert json.loads(desk.command("models", "--json").out)["models"] == [FOUND]
    assert desk.command("models", "nobody").out == "no model is like that\n"
