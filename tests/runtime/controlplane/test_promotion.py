"""Promotion by hand and by rule: gates, approvals, rollback, holds, history, and what a preview is told."""

from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.test_api import alias, model, project  # noqa: F401 - a fixture
from tests.runtime.controlplane.test_operations import events

BEATS = {"metric": "mae", "better_than": "production"}
ASKS = {"contract": {"requests": [[{"k": "a"}]], "between": [0.0, 5.0]}}


class Bench:
    """One model's own corner: declares, trains, asks as somebody."""

    def __init__(self, plane: Plane, name: str) -> None:
        self.plane, self.name, self.digest = plane, name, ""

    def train(self, depth: int, by: str = "ann") -> dict[str, Any]:
        """Train another version."""
        self.plane.http.headers["X-Groundplan-Actor"] = by
        made = self.plane.made("model", self.name, model(depth))
        self.digest = made["data_digest"]
        return made

    def declare(self, alias_name: str, *gates: dict[str, Any], by: str = "ann", **rule: Any) -> dict[str, Any]:
        """Declare an alias, as `up` does."""
        self.plane.http.headers["X-Groundplan-Actor"] = by
        given = {**alias(alias_name, **rule), "model": self.name, "gates": list(gates)}
        upstream = {f"p/model/{self.name}": self.digest}
        return self.plane.made("alias", f"{self.name}@{alias_name}", given, upstream)

    def ask(self, alias_name: str, verb: str, by: str = "ann", **body: Any) -> Any:
        """Ask for something by hand; the operation's end, or the refusal."""
        url = f"/v1/projects/p/aliases/{self.name}@{alias_name}:{verb}"
        answer = self.plane.http.post(url, json=body or None, headers={"X-Groundplan-Actor": by})
        return self.plane.ended(answer.json()["operation"]) if answer.status_code == 202 else answer.json()["error"]

    def approve(self, version: int, by: str) -> Any:
        """Approve a version; the ends of what that set off."""
        url = f"/v1/registry/models/p/{self.name}/versions/{version}:approve"
        answer = self.plane.http.post(url, json={"reason": "looks right"}, headers={"X-Groundplan-Actor": by})
        if answer.status_code != 202:
            return answer.status_code, answer.json()["error"]
        return [self.plane.ended(each["operation"])["resource"] for each in answer.json()["aliases"]]

    def look(self, alias_name: str) -> dict[str, Any]:
        """The alias as it is."""
        return dict(self.plane.look("alias", f"{self.name}@{alias_name}").json()["resource"])

    def history(self, **query: str) -> dict[str, Any]:
        """The history route's answer."""
        return dict(self.plane.http.get(f"/v1/registry/models/p/{self.name}/history", params=query).json())


@pytest.fixture
def bench(project: Plane, request: pytest.FixtureRequest) -> Any:  # noqa: F811
    """A model that only this test uses."""
    jobs = project.platform.jobs
    yield Bench(project, f"b_{abs(hash(request.node.name)) % 10**9}")
    jobs.scores, jobs.answer, jobs.metrics = {}, [1.0], {"mae": 10.0, "baseline_mae": 12.0}
    del project.http.headers["X-Groundplan-Actor"]


def test_production_is_beaten_on_the_same_data_or_not_at_all(bench: Bench) -> None:
    jobs = bench.plane.platform.jobs
    bench.train(3)
    assert bench.declare("production", BEATS)["outputs"]["points_to"] == 1
    assert "evaluate" not in jobs.ran[-1], "there was nothing to compare with"
    jobs.metrics = {"mae": 1.0, "baseline_mae": 12.0}  # better on its own, easier, hold-out
    bench.train(4)
    jobs.scores = {"candidate": {"mae": 1.0}, "production": {"mae": 0.9}}
    refused = bench.declare("production", BEATS)
    assert (refused["status"], refused["outputs"]["points_to"]) == ("refused", 1)
    assert "mae 1 is not better than production's 0.9 (version 1, on the same data)" in refused["message"]
    asked = jobs.documents[-1]
    assert asked["inputs"]["holdout"]["uri"].endswith(f"/{bench.digest}.holdout.parquet")
    assert {name: pair["model"] for name, pair in asked["pairs"].items()} == {
        "candidate": f"models:/p_{bench.name}_model/2",
        "production": f"models:/p_{bench.name}_model/1",
    }
    assert asked["pairs"]["production"]["views"]["v"]["uri"].endswith(".parquet")
    jobs.scores = {"candidate": {"mae": 1.0}, "production": {"mae": 1.1}}
    moved = bench.declare("production", BEATS, follow="latest", on_refusal="hold")
    assert (moved["status"], moved["outputs"]["points_to"]) == ("ready", 2)
    (verdict,) = moved["outputs"]["evidence"]["gates"]
    assert (verdict["value"], verdict["bound"]) == (1.0, 1.1)
    last = bench.history(alias="production")["moves"][-1]
    assert (last["cause"], last["actor"], last["evidence"]["metrics"]["mae"]) == ("follow", "ann", 1.0)
    assert last["evidence"]["gates"] == [verdict]


def test_a_contract_is_asked_of_the_candidate(bench: Bench) -> None:
    jobs = bench.plane.platform.jobs
    bench.train(3)
    jobs.answer = [7.5]
    refused = bench.declare("production", ASKS)
    assert refused["status"] == "refused"
    assert "row 1 (k a): 7.5 is more than 5" in refused["message"]
    assert jobs.documents[-1]["requests"] == [[{"k": "a"}]]
    jobs.answer = [2.5]  # the online features were mended: asked again, it answers well
    assert bench.ask("production", "release")["resource"]["outputs"]["points_to"] == 1


def test_gates_hold_a_promotion_by_hand_up_and_nothing_has_changed(bench: Bench) -> None:
    jobs = bench.plane.platform.jobs
    bench.train(3)
    strict = {"metric": "mae", "below": 11}
    bench.declare("production", strict)
    jobs.metrics = {"mae": 14.0, "baseline_mae": 12.0}
    bench.train(4)
    ended = bench.ask("production", "move", version=2, reason="try it")
    assert (ended["status"], ended["error"]["what"]) == (
        "failed",
        f"{bench.name}@production stays at 1; 2 is refused: mae below 11: mae 14 is not below 11",
    )
    seen = bench.look("production")
    assert (seen["status"], seen["message"], seen["outputs"]["points_to"]) == ("ready", None, 1)
    assert "hold" not in seen["outputs"]


def test_an_approval_by_somebody_else_moves_what_waited_for_it(bench: Bench) -> None:
    bench.train(3, by="ann")
    gate = {"approval": {"by": ["ann", "ben", "cat"]}}
    waits = bench.declare("production", gate, by="cat")
    assert waits["status"] == "refused"
    assert "ben may approve it" in waits["message"]
    assert f"groundplan approve p/{bench.name} 1" in waits["message"]
    assert bench.approve(1, "ann")[0] == 403
    assert bench.approve(1, "eve")[1]["allowed"] == "ann, ben, cat"
    status, error = bench.approve(1, "cat")
    assert (status, error["what"]) == (403, "cat asked for the promotion of version 1: somebody else has to approve it")
    still = bench.look("production")
    assert (still["status"], still["outputs"]["points_to"]) == ("refused", None)
    (moved,) = bench.approve(1, "ben")
    assert (moved["status"], moved["outputs"]["points_to"]) == ("ready", 1)
    (verdict,) = moved["outputs"]["evidence"]["gates"]
    assert verdict["reason"] == "approved by ben: looks right"
    assert bench.history()["moves"][-1]["actor"] == "cat", "who asked for it moved it"
    assert [e["actor"] for e in events(bench.plane, kind="pair", name=bench.name, action="approve")] == ["ben"]
    with pytest.raises(sa.exc.DBAPIError, match="append-only"), bench.plane.platform.engine.begin() as connection:
        connection.execute(sa.text("UPDATE approvals SET actor = 'eve'"))


def test_a_promotion_by_hand_that_waits_is_done_and_held_once_it_is_approved(bench: Bench) -> None:
    bench.train(3)
    bench.declare("production", {"approval": {}}, by="cat")
    bench.approve(1, "ben")
    bench.train(4)
    ended = bench.ask("production", "move", by="cat", version=2, reason="for the holidays")
    assert ended["status"] == "failed"
    assert ended["error"]["fix"].startswith(f"groundplan approve p/{bench.name} 2")
    assert bench.look("production")["status"] == "ready"
    (moved,) = bench.approve(2, "ben")
    assert moved["outputs"]["points_to"] == 2
    assert moved["outputs"]["hold"] == {"reason": "for the holidays", "actor": "cat"}
    assert bench.approve(2, "dan") == []  # nothing waits any more


def test_what_asks_for_no_approval_gets_none(bench: Bench) -> None:
    bench.train(3)
    bench.declare("production")
    assert bench.approve(1, "ben")[0] == 409
    assert bench.approve(9, "ben")[0] == 404


def test_a_rollback_goes_back_step_by_step_holds_and_no_gate_delays_it(bench: Bench) -> None:
    jobs = bench.plane.platform.jobs
    for depth in (3, 4, 5):
        bench.train(depth)
        bench.declare("production")
    jobs.metrics = {"mae": 99.0}
    bench.declare("production", {"metric": "mae", "below": 1})  # a gate that none of them would pass
    first = bench.ask("production", "rollback", by="ben", reason="wrong on Sundays")["resource"]
    assert first["outputs"]["points_to"] == 2
    assert first["message"] == (
        f"held at 2 by ben: wrong on Sundays; groundplan release p/{bench.name}@production lifts it"
    )
    bench.train(6)
    assert bench.declare("production")["outputs"]["points_to"] == 2, "`follow: latest` respects a hold"
    second = bench.ask("production", "rollback", by="ben", reason="that one too")["resource"]
    assert second["outputs"]["points_to"] == 1
    assert "nothing to go back to" in bench.ask("production", "rollback", reason="once more")["what"]
    released = bench.ask("production", "release")["resource"]
    assert (released["outputs"]["points_to"], "hold" in released["outputs"]) == (4, False)
    causes = [(m["cause"], m["to_version"]) for m in bench.history()["moves"]]
    assert causes == [("follow", 1), ("follow", 2), ("follow", 3), ("rollback", 2), ("rollback", 1), ("follow", 4)]


def test_history_says_what_an_alias_was_at_an_instant(bench: Bench) -> None:
    for depth in (3, 4):
        bench.train(depth)
        bench.declare("production", {"metric": "mae", "below": 20})
    one, two = bench.history(alias="production")["moves"]
    between = datetime.fromisoformat(one["at"]) + timedelta(microseconds=1)
    was = bench.history(alias="production", at=between.isoformat())["was"]["production"]
    assert (was["version"], was["since"], was["actor"]) == (1, one["at"], "ann")
    assert was["evidence"]["gates"][0]["reason"] == "mae 10 is below 20"
    assert bench.history(at=two["at"])["was"]["production"]["version"] == 2
    before = datetime.fromisoformat(one["at"]) - timedelta(seconds=1)
    assert bench.history(alias="production", at=before.isoformat())["was"] == {"production": None}
    answer = bench.plane.http.get(f"/v1/registry/models/p/{bench.name}/history?at=2026-11-17T14:05:00")
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, "query.at")
    bench.plane.http.delete(f"/v1/projects/p/resources/alias/{bench.name}@production")
    last = bench.history()["moves"][-1]
    assert (last["from_version"], last["to_version"], last["cause"]) == (2, None, "delete")


def decide(bench: Bench, upstream: str, *gates: dict[str, Any]) -> dict[str, Any]:
    """What a preview is told."""
    given = {**alias("production"), "model": bench.name, "gates": list(gates)}
    body = {"properties": given, "upstream": {f"p/model/{bench.name}": upstream}, "digest": "x"}
    url = f"/v1/projects/p/aliases/{bench.name}@production:decide"
    return dict(bench.plane.http.post(url, json=body).json())


def test_a_preview_is_told_what_up_would_promote_and_nothing_is_written(bench: Bench) -> None:
    plane = bench.plane
    bench.train(3)
    words = decide(bench, "other", {"metric": "mae", "below": 20})
    assert (words["from"], words["to"], words["training"], words["words"]) == (None, None, True, ["mae below 20"])
    bench.declare("production")
    bench.train(4)
    seen, ran = len(plane.http.get("/v1/audit/events?limit=1000").json()["events"]), len(plane.platform.jobs.ran)
    told = decide(bench, bench.digest, {"metric": "mae", "below": 5}, BEATS, ASKS)
    assert (told["from"], told["to"], told["cause"], told["training"]) == (1, 2, "follow", False)
    assert [gate["passed"] for gate in told["gates"]] == [False, None, None]
    assert told["gates"][0]["reason"] == "mae 10 is not below 5"
    assert len(plane.http.get("/v1/audit/events?limit=1000").json()["events"]) == seen
    assert len(plane.platform.jobs.ran) == ran
    bench.ask("production", "move", by="ben", version=1, reason="stay here")
    assert decide(bench, bench.digest)["hold"] == {"reason": "stay here", "actor": "ben"}


def test_a_held_pair_that_lost_a_half_is_registered_again_and_stays_held(bench: Bench) -> None:
    for depth in (3, 4):
        bench.train(depth)
        bench.declare("production")
    bench.ask("production", "rollback", by="ben", reason="wrong on Sundays")
    bench.plane.platform.mlflow.gone.add((f"p_{bench.name}", 1))
    seen = bench.look("production")
    assert (seen["status"], "pair version 1 lost a half" in seen["message"]) == ("drifted", True)
    mended = bench.declare("production")
    assert (mended["status"], mended["outputs"]["points_to"]) == ("ready", 3)
    assert mended["outputs"]["hold"]["reason"] == "wrong on Sundays"
    assert bench.history()["moves"][-1]["cause"] == "same_pair"
    assert bench.ask("production", "move", version=2, reason="back")["resource"]["outputs"]["points_to"] == 2
    assert bench.ask("production", "rollback", reason="again")["resource"]["outputs"]["points_to"] == 3


def test_a_pinned_version_that_lost_a_half_is_found_under_its_new_number(bench: Bench) -> None:
    bench.train(3)
    pinned = {"version": 1, "follow": None}
    assert bench.declare("production", **pinned)["outputs"]["points_to"] == 1
    bench.plane.platform.mlflow.gone.add((f"p_{bench.name}", 1))
    mended = bench.declare("production", **pinned)
    assert mended["outputs"]["points_to"] == 2
    assert mended["message"] == "pair version 1 lost a half in MLflow: 2 is the same pair"


def test_who_asks_is_a_name(bench: Bench) -> None:
    bench.train(3)
    bench.declare("production")
    url = f"/v1/projects/p/aliases/{bench.name}@production:release"
    answer = bench.plane.http.post(url, headers={"X-Groundplan-Actor": "ann and ben"})
    assert (answer.status_code, answer.json()["error"]["path"]) == (422, "X-Groundplan-Actor")


def test_where_a_person_decides_on_training_a_lost_half_is_mended_without_one(bench: Bench) -> None:
    bench.train(3)
    plane, manual = bench.plane, model(4, retrain="manual")
    due = plane.made("model", bench.name, manual)
    assert (due["outputs"]["version"], due["outputs"]["retrain_due"]) == (1, True)
    ran = len(plane.platform.jobs.ran)
    plane.platform.mlflow.gone.add((f"p_{bench.name}", 1))
    mended = plane.made("model", bench.name, manual)
    assert (mended["outputs"]["version"], mended["outputs"]["retrain_due"]) == (2, True)
    assert len(plane.platform.jobs.ran) == ran
