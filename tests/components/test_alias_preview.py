"""What a preview tells of an alias, with a control plane that answers, and with none."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from groundplan.provider.alias import AliasHandler
from groundplan.provider.handler import Context
from groundplan.provider.rest import ControlPlane
from groundplan.provider.table import KINDS

GATES = [{"metric": "mae", "better_than": "baseline"}, {"approval": {}}]
ALIAS = {
    "project": "p",
    "name": "delay@production",
    "digest": "d",
    "data_digest": "d",
    "upstream": {"p/model/delay": "u"},
}
ALIAS |= {"model": "delay", "alias": "production", "follow": "latest", "gates": GATES, "on_refusal": "hold"}
FOUND = {"from": 1, "to": 2, "cause": "follow", "training": False, "hold": None, "gates": [], "words": []}


class Preview:
    """A preview: what it was told, and what the control plane was asked."""

    def __init__(self, folder: Path) -> None:
        self.token = folder / "token"
        self.token.write_text("a-token")
        self.told: list[str] = []
        self.warned: list[str] = []
        self.asked: list[tuple[str, str, Any]] = []
        self.answer: httpx.Response | Exception = httpx.Response(404)

    def respond(self, request: httpx.Request) -> httpx.Response:
        """Answer as the test says."""
        self.asked.append((request.method, request.url.path, json.loads(request.content)))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def of(self, inputs: dict[str, Any]) -> list[str]:
        """What is told of an alias, warnings first."""
        config = {"endpoint": "http://127.0.0.1:9", "token_file": str(self.token)}
        ctx = Context("urn", "it", True, print, self.warned.append, config, tell=self.told.append)
        AliasHandler(KINDS["Alias"]).foresee(inputs, ctx)
        return [*self.warned, *self.told]


@pytest.fixture
def preview(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Preview]:
    made = Preview(tmp_path)
    monkeypatch.setattr(ControlPlane, "_http", httpx.Client(transport=httpx.MockTransport(made.respond)))
    return made


def test_a_move_among_versions_is_told_with_each_gate_s_verdict(preview: Preview) -> None:
    gates = [
        {"passed": True, "gate": "mae better than baseline", "reason": "mae 10 is better than baseline's 12"},
        {"passed": None, "gate": "x", "reason": "`up` asks them"},
    ]
    preview.answer = httpx.Response(200, json={**FOUND, "gates": gates})
    assert preview.of(ALIAS) == [
        "pair version 1 → 2: would be promoted",
        "gate mae better than baseline: passes: mae 10 is better than baseline's 12",
        "gate x: open: `up` asks them",
    ]
    method, path, body = preview.asked[0]
    assert (method, path) == ("POST", "/v1/projects/p/aliases/delay@production:decide")
    assert body["upstream"] == {"p/model/delay": "u"}
    assert body["properties"]["gates"] == GATES


def test_a_refusal_is_a_warning(preview: Preview) -> None:
    gates = [{"passed": False, "gate": "mae below 5", "reason": "mae 10 is not below 5"}]
    preview.answer = httpx.Response(200, json={**FOUND, "from": None, "gates": gates})
    preview.of(ALIAS)
    assert preview.warned == ["pair version nothing → 2: would stay: a gate refuses"]
    assert preview.told == ["gate mae below 5: refuses: mae 10 is not below 5"]


def test_a_hold_is_told_with_its_reason_and_how_to_lift_it(preview: Preview) -> None:
    hold = {"reason": "wrong on Sundays", "actor": "ann"}
    preview.answer = httpx.Response(200, json={**FOUND, "hold": hold})
    preview.of(ALIAS)
    assert preview.warned == ["held at 1 by ann: wrong on Sundays; groundplan release p/delay@production lifts it"]


WORDS = "the pair that this `up` trains would be promoted if: mae better than baseline; an approval by somebody else"


def test_a_pair_that_comes_from_elsewhere_is_no_training(preview: Preview) -> None:
    preview.answer = httpx.Response(503, json={"error": {"what": "down"}})
    assert preview.of({**ALIAS, "source": {"stack": "dev"}}) == [
        WORDS.replace("the pair that this `up` trains", "the pair that comes from dev")
    ]


def test_what_a_training_will_show_is_told_in_words(preview: Preview) -> None:
    preview.answer = httpx.Response(200, json={**FOUND, "to": None, "training": True})
    assert preview.of(ALIAS) == [WORDS]


@pytest.mark.parametrize(
    "answer",
    [httpx.ConnectError("refused"), httpx.Response(404), httpx.Response(503), httpx.Response(401, json={"error": {}})],
)
def test_a_preview_works_without_the_control_plane(preview: Preview, answer: Any) -> None:
    preview.answer = answer
    assert preview.of(ALIAS) == [WORDS]


def test_nor_does_it_need_a_token(preview: Preview) -> None:
    preview.token.unlink()
    pinned = {key: value for key, value in ALIAS.items() if key not in ("follow", "gates")}
    assert preview.of({**pinned, "version": 3}) == ["would point to pair version 3"]


def test_what_stays_is_not_told(preview: Preview) -> None:
    preview.answer = httpx.Response(200, json={**FOUND, "to": 1})
    assert preview.of(ALIAS) == []
