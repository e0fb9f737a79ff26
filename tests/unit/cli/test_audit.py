"""``groundplan audit``: what it asks, prints, pipes, and ends with."""

import json
from typing import Any

import httpx
import pytest

from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_asking import use

EVENT = {
    "seq": 7, "at": "2026-11-17T13:05:00.000001+00:00", "actor": "ann", "action": "move", "project": "shop",
    "kind": "alias", "name": "spend@production", "before": None, "after": {}, "reason": "because",
    "correlation_id": "c-1", "previous": "0" * 64, "hash": "a" * 64,
}  # fmt: skip
WHOLE = {"events": 7, "seq": 7, "hash": "a" * 64, "checkpoints": 2, "checked_to": 7, "fault": None}
REBUILT = {"rows": {"resources": 3, "alias_moves": 1}, "differing": 0, "differences": []}


class Control:
    """A control plane that answers as the contract says."""

    def __init__(self) -> None:
        self.asked: list[httpx.URL] = []
        self.verify: dict[str, Any] = WHOLE
        self.rebuild: dict[str, Any] = REBUILT

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url)
        path = request.url.path.removeprefix("/v1/audit/")
        if path == "export":
            return httpx.Response(200, text=f"{json.dumps(EVENT)}\n{json.dumps(EVENT)}\n")
        known = {"events": {"events": [EVENT], "next": None}, "verify": self.verify, "rebuild": self.rebuild}
        return httpx.Response(200, json=known[path])


@pytest.fixture
def control(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Control:
    secrets = desk.files.root / ".groundplan/local/secrets"
    secrets.mkdir(parents=True)
    (secrets / "controlplane-token").write_text("the-token\n")
    made = Control()
    use(made.answer, monkeypatch)
    monkeypatch.setenv("TZ", "UTC")
    return made


def test_list_asks_for_the_newest_and_is_lines_in_a_pipe(desk: Desk, control: Control) -> None:
    said = desk.command("audit", "list", "--actor", "ann", "--kind", "alias", "--since", "2026-11-17 13:00", "-n", "5")
    assert said.code == 0
    asked = dict(control.asked[-1].params)
    assert asked == {
        "actor": "ann", "kind": "alias", "since": "2026-11-17T13:00:00+00:00", "newest": "true", "limit": "5"
    }  # fmt: skip
    line = said.out.splitlines()[-1].split("\t")
    assert line == ["7", "2026-11-17 13:05:00", "ann", "move", "shop/alias/spend@production", "because", "c-1"]
    assert json.loads(desk.command("audit", "list", "--json").out) == [EVENT]


def test_export_is_one_json_line_an_event(desk: Desk, control: Control) -> None:
    said = desk.command("audit", "export", "--project", "shop")
    assert [json.loads(line) for line in said.out.splitlines()] == [EVENT, EVENT]
    assert dict(control.asked[-1].params) == {"project": "shop"}
    refused = desk.command("audit", "export", "--format", "csv")
    assert (refused.code, refused.err) == (1, "error: --format: 'csv'; allowed: jsonl\n")


def test_verify_says_that_it_is_whole_or_where_it_is_not(desk: Desk, control: Control) -> None:
    said = desk.command("audit", "verify")
    assert (said.code, len(said.out.splitlines())) == (0, 2)
    fault = {"seq": 4, "fault": "changed", "what": "event 4 does not say what it said when it was written"}
    control.verify = WHOLE | {"fault": fault}
    said = desk.command("audit", "verify")
    assert said.code == 1
    assert said.err.startswith("error: the audit trail is broken at event 4: changed")
    assert json.loads(desk.command("audit", "verify", "--json").out)["fault"] == fault


def test_verify_without_a_checkpoint_says_what_that_means(desk: Desk, control: Control) -> None:
    control.verify = WHOLE | {"checkpoints": 0, "checked_to": 0}
    said = desk.command("audit", "verify")
    assert said.code == 0
    assert "no checkpoint yet" in said.err


def test_rebuild_names_what_differs(desk: Desk, control: Control) -> None:
    assert "3 resources, 1 alias moves" in desk.command("audit", "rebuild", "--check").out
    control.rebuild = REBUILT | {"differing": 1, "differences": ["aliases: p m production: version is not …"]}
    said = desk.command("audit", "rebuild", "--check")
    assert said.code == 1
    assert "aliases: p m production" in said.err
    assert desk.command("audit", "rebuild").code == 1
