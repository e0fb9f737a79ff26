"""Promote, approve, roll back, release, history: what they send, show, and end with."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from groundplan.cli.history import parse_instant
from groundplan.errors import GroundplanError
from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_asking import use

MOVE = {
    "at": "2026-11-17T13:05:00+00:00", "alias": "production", "from_version": 1, "to_version": 2, "actor": "ann",
    "reason": None, "cause": "follow", "evidence": {"gates": [{"reason": "mae 10 is better than baseline's 12"}]},
}  # fmt: skip
WAS = {"version": 2, "since": MOVE["at"], "actor": "ann", "reason": None, "cause": "follow", "evidence": None}
ALIASES = {"aliases": [{"alias": "production", "version": 3}]}
APPLICATION = {"project": "shop", "name": "spend", "aliases": {"production": 2}}
OPERATION = "alias:shop:spend@production:abc"
HELD = "held at 2 by ann: wrong on Sundays; groundplan release shop/spend@production lifts it"


class Control:
    """A control plane that answers as the contract says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.actors: set[str] = set()
        self.end: dict[str, Any] = {
            "status": "succeeded", "messages": [{"seq": 1, "text": "spend: production answers with 2"}], "error": None,
            "resource": {"name": "spend@production", "status": "ready", "message": HELD, "outputs": {"points_to": 2}},
        }  # fmt: skip

    def answer(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path = request.url.path.removeprefix("/v1")
        if request.method == "POST":
            self.asked.append((request.method, path, json.loads(request.content)))
        self.actors.add(request.headers["X-Groundplan-Actor"])
        if path.startswith("/operations/"):
            return httpx.Response(200, json=self.end)
        history = {"moves": [MOVE]}
        if request.url.params.get("at"):
            history |= {"was": {"production": WAS, "latest": None}, "at": request.url.params["at"]}  # type: ignore[dict-item]
        waiting = {"alias": "spend@production", "operation": OPERATION, "resource": {"outputs": {"points_to": 1}}}
        known = {
            "/registry/models/shop/spend": ALIASES,
            "/registry/models/shop/spend/history": history,
            "/registry/models/shop/spend/versions/3:approve": {
                "approval": {"version": 3, "actor": "ben", "reason": "looks right"}, "aliases": [waiting],
            },
            "/status": {"applications": [APPLICATION]},
        }  # fmt: skip
        return httpx.Response(200, json=known.get(path, {"operation": OPERATION}))


@pytest.fixture
def control(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Control:
    secrets = desk.files.root / ".groundplan/local/secrets"
    secrets.mkdir(parents=True)
    (secrets / "controlplane-token").write_text("the-token\n")
    made = Control()
    use(made.answer, monkeypatch)
    monkeypatch.setenv("GROUNDPLAN_ACTOR", "ben")
    monkeypatch.setenv("TZ", "UTC")
    return made


@pytest.mark.parametrize(
    ("command", "path", "body"),
    [
        (["promote", "shop/spend@production", "2", "--reason", "because"], "move", {"version": 2, "reason": "because"}),
        (["rollback", "spend", "-m", "wrong on Sundays"], "rollback", {"reason": "wrong on Sundays"}),
        (["rollback", "spend@production", "-m", "no good"], "rollback", {"reason": "no good"}),
        (["release", "shop/spend@production"], "release", {}),
    ],
)
def test_a_move_by_hand_ends_with_what_answers_now(
    desk: Desk, control: Control, command: list[str], path: str, body: dict[str, Any]
) -> None:
    said = desk.command(*command)
    assert (said.code, said.err) == (0, "spend: production answers with 2\n")
    assert said.out.splitlines() == [
        "shop/spend@production: pair version 2 (was 3)",
        HELD,
        "shop/spend answers with production 2",
    ]
    assert control.asked == [("POST", f"/projects/shop/aliases/spend@production:{path}", body)]
    assert control.actors == {"ben"}


def test_as_json(desk: Desk, control: Control) -> None:
    document = json.loads(desk.command("rollback", "spend", "-m", "because", "--json").out)
    assert (document["from"], document["to"], document["message"]) == (3, 2, HELD)
    assert document["applications"] == {"shop/spend": {"production": 2}}


def test_a_refusal_is_one_line_and_exit_code_1(desk: Desk, control: Control) -> None:
    error = {"what": "spend@production stays at 3; 2 is refused: mae below 5: mae 10 is not below 5", "fix": "train"}
    control.end = {"status": "failed", "messages": [], "error": error, "resource": None}
    said = desk.command("promote", "spend@production", "2", "-m", "because")
    assert (said.code, said.out) == (1, "")
    assert said.err == f"error: failed: {error['what']}; fix: train\n"


def test_an_unknown_alias_and_a_missing_reason(desk: Desk, control: Control) -> None:
    said = desk.command("release", "spend@canary")
    assert said.err == ("error: no alias 'canary' of shop/spend; there is: shop/spend@latest, shop/spend@production\n")
    said = desk.command("rollback", "spend")
    assert said.code == 2
    assert "--reason" in said.err
    assert control.asked == []


def test_an_approval_moves_what_waited(desk: Desk, control: Control) -> None:
    said = desk.command("approve", "spend", "3", "--reason", "looks right")
    assert said.out.splitlines()[:2] == [
        "ben approved shop/spend 3: looks right",
        "shop/spend@production: pair version 2 (was 1)",
    ]
    document = json.loads(desk.command("approve", "spend", "3", "-m", "looks right", "--json").out)
    assert document["approval"]["actor"] == "ben"
    assert document["aliases"] == [{"name": "spend@production", "status": "ready", "message": HELD, "points_to": 2}]


def test_a_name_that_is_none_is_refused_here(desk: Desk, control: Control, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDPLAN_ACTOR", "ann and ben")
    said = desk.command("rollback", "spend", "-m", "because")
    assert said.code == 1
    assert "GROUNDPLAN_ACTOR: is no name; got 'ann and ben'" in said.err


def test_history_as_a_table_and_as_json(desk: Desk, control: Control) -> None:
    said = desk.command("history", "spend", "--alias", "production")
    moved = parse_instant(str(MOVE["at"]))
    assert said.out.splitlines() == [
        "at\talias\tfrom\tto\tby\twhy\tgates",
        f"{moved:%Y-%m-%d %H:%M:%S%z}\tproduction\t1\t2\tann\tfollows latest\tmae 10 is better than baseline's 12",
    ]
    assert json.loads(desk.command("history", "spend", "--json").out) == {"moves": [MOVE]}


def test_what_production_was_at_an_instant(desk: Desk, control: Control) -> None:
    said = desk.command("history", "spend", "--at", "2026-11-17 14:05")
    assert said.out.splitlines()[0].startswith("shop/spend@production was pair version 2 at 2026-11-17 14:05:00")
    assert "(local time, " in said.out.splitlines()[0]
    assert "by ann: follows latest" in said.out.splitlines()[1]
    assert said.out.splitlines()[2].startswith("shop/spend@latest pointed to nothing at")
    assert "local time" not in desk.command("history", "spend", "--at", "2026-11-17T14:05:00Z").out
    wrong = desk.command("history", "spend", "--at", "last Tuesday")
    assert (wrong.code, "is no time" in wrong.err) == (1, True)


def test_times_as_people_write_them() -> None:
    assert parse_instant("2026-11-17T14:05:00Z") == datetime(2026, 11, 17, 14, 5, tzinfo=UTC)
    assert parse_instant("2026-11-17T14:05+02:00") == datetime(2026, 11, 17, 12, 5, tzinfo=UTC)
    assert parse_instant("2026-11-17") == datetime(2026, 11, 17).astimezone()
    with pytest.raises(GroundplanError):
        parse_instant("14:05")
