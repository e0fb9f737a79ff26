"""Operations: cut off, superseded, deleted under way, moved by hand; every write with its event."""

import time
from dataclasses import replace
from typing import Any

import pytest
import sqlalchemy as sa

from groundplan.controlplane import registry, store
from groundplan.controlplane.kinds.trained_on import features_of
from groundplan.controlplane.workflows import resume
from tests.runtime.controlplane.conftest import DEADLINE, Plane, application
from tests.runtime.controlplane.test_api import SOURCE, VIEW, alias, model, project  # noqa: F401 - a fixture

ENTITY = {"join_key": "k", "type": "string", "description": ""}


def status(plane: Plane, operation: str) -> str:
    """How an operation stands now."""
    return str(plane.http.get(f"/v1/operations/{operation}").json()["status"])


def events(plane: Plane, **about: str) -> list[dict[str, Any]]:
    """All events about something, oldest first."""
    answer = plane.http.get("/v1/audit/events", params={**about, "limit": 1000})
    return list(answer.json()["events"])


def until_at_work(plane: Plane, job: str) -> None:
    """Wait until a job runs."""
    end = time.monotonic() + DEADLINE
    while job not in plane.platform.jobs.ran:
        assert time.monotonic() < end, f"{job} never began"
        time.sleep(0.02)


def test_short_work_that_a_crash_cut_off_is_done_again(project: Plane) -> None:  # noqa: F811
    project.made("entity", "cut", ENTITY)
    with project.platform.engine.begin() as connection:  # as a crash between the two transactions leaves it
        connection.execute(sa.text("UPDATE operations SET status = 'running' WHERE name = 'cut'"))
        row = store.get(connection, "p", "entity", "cut")
        assert row
        store.settle(connection, replace(row, status="pending"), store.Actor("crash"))
    answer = project.put("entity", "cut", ENTITY)
    assert answer.status_code == 200
    assert answer.json()["resource"]["status"] == "ready"


def test_long_work_whose_workflow_never_began_is_taken_up_at_start(project: Plane) -> None:  # noqa: F811
    made = project.made("data_source", "lost", SOURCE)
    operation = f"data_source:p:lost:{made['digest']}:2"
    with project.platform.engine.begin() as connection:  # the row was written, the workflow was not
        connection.execute(
            sa.text(
                "INSERT INTO operations (id, project, kind, name, digest, status, actor) "
                "VALUES (:id, 'p', 'data_source', 'lost', :digest, 'running', 'deployer')"
            ),
            {"id": operation, "digest": made["digest"]},
        )
    resume(project.platform)
    assert project.ended(operation)["status"] == "succeeded"


def test_a_new_declaration_cancels_what_is_at_work(project: Plane) -> None:  # noqa: F811
    jobs = project.platform.jobs
    jobs.go.clear()
    first = project.put("data_source", "twice", SOURCE).json()["operation"]
    until_at_work(project, "ingest twice")
    second = project.put("data_source", "twice", {**SOURCE, "code": "2"}).json()["operation"]
    assert status(project, first) == "cancelled"
    assert jobs.stopped[-1] == first
    jobs.go.set()
    ended = project.ended(second)
    assert ended["status"] == "succeeded"
    assert ended["resource"]["properties"]["code"] == "2"
    assert status(project, first) == "cancelled"


def test_what_is_at_work_can_be_deleted(project: Plane) -> None:  # noqa: F811
    jobs = project.platform.jobs
    jobs.go.clear()
    operation = project.put("data_source", "going", SOURCE).json()["operation"]
    until_at_work(project, "ingest going")
    try:
        assert project.http.delete("/v1/projects/p/resources/data_source/going").status_code == 200
    finally:
        jobs.go.set()
    assert status(project, operation) == "cancelled"
    assert project.look("data_source", "going").status_code == 404


@pytest.fixture(scope="package")
def trained(project: Plane) -> Plane:  # noqa: F811
    """A model with two pair versions, of which an alias follows the last."""
    project.made("model", "m2", model(3))
    project.made("model", "m2", model(4))
    project.made("alias", "m2@latest", {**alias("latest"), "model": "m2"})
    return project


def test_pairs_and_moves_write_their_events(trained: Plane) -> None:
    committed = events(trained, kind="pair", name="m2", action="commit")
    assert [event["after"]["version"] for event in committed] == [1, 2]
    assert committed[0]["correlation_id"]
    moved = events(trained, kind="alias", name="m2@latest", action="move")
    assert [(event["before"]["version"], event["after"]["version"]) for event in moved] == [(None, 2)]


def test_an_event_and_its_write_stand_or_fall_together(project: Plane) -> None:  # noqa: F811
    engine = project.platform.engine
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                                   "$$ BEGIN IF NEW.name = 'atomic' THEN RAISE EXCEPTION 'no event'; END IF; "
                                   "RETURN NEW; END $$"))  # fmt: skip
        connection.execute(
            sa.text("CREATE TRIGGER refuse BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION refuse()")
        )
    try:
        assert project.put("entity", "atomic", ENTITY).status_code == 503
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("DROP FUNCTION refuse CASCADE"))
    assert project.look("entity", "atomic").status_code == 404


def test_a_hold_is_written_with_its_move_and_said_once(trained: Plane) -> None:
    url = "/v1/projects/p/aliases/m2@latest"
    moved = trained.http.post(f"{url}:move", json={"version": 1, "reason": "an incident"}).json()
    assert trained.ended(moved["operation"])["resource"]["outputs"]["hold"]["reason"] == "an incident"
    trained.made("alias", "m2@latest", {**alias("latest"), "model": "m2"}, {"p/model/m2": "again"})
    assert len(events(trained, name="m2@latest", action="hold")) == 1
    released = trained.ended(trained.http.post(f"{url}:release").json()["operation"])
    assert released["resource"]["outputs"]["points_to"] == 2
    assert "hold" not in released["resource"]["outputs"]
    assert len(events(trained, name="m2@latest", action="release")) == 1


def test_training_by_hand_is_followed_by_the_aliases(project: Plane) -> None:  # noqa: F811
    manual = {"retrain": "manual"}
    project.made("model", "m3", model(3, **manual))
    project.made("alias", "m3@latest", {**alias("latest"), "model": "m3"})
    due = project.made("model", "m3", model(4, **manual))
    assert (due["outputs"]["version"], due["outputs"]["retrain_due"]) == (1, True)
    operation = project.http.post("/v1/projects/p/models/m3:train").json()["operation"]
    assert project.ended(operation)["resource"]["outputs"]["version"] == 2
    end = time.monotonic() + DEADLINE
    while project.look("alias", "m3@latest").json()["resource"]["outputs"]["points_to"] != 2:
        assert time.monotonic() < end, "the alias never followed"
        time.sleep(0.05)


def test_a_pair_deleted_in_mlflow_is_seen_and_registered_anew(project: Plane) -> None:  # noqa: F811
    project.made("model", "m4", model(3))
    ran = len(project.platform.jobs.ran)
    project.platform.mlflow.gone.add(("p_m4", 1))
    assert project.look("model", "m4").json()["resource"]["status"] == "drifted"
    made = project.made("model", "m4", model(3))
    assert (made["status"], made["outputs"]["version"]) == ("ready", 2)
    assert len(project.platform.jobs.ran) == ran, "its training was not lost: only its number is new"
    assert [event["before"]["version"] for event in events(project, name="m4", action="void")] == [1]


def test_a_tier_resized_by_hand_is_seen_and_repaired(project: Plane) -> None:  # noqa: F811
    declared = application("m5", "b", traffic={"latest": 100.0})
    project.made("model", "m5", model(3))
    project.made("alias", "m5@latest", {**alias("latest"), "model": "m5"})
    project.made("serving_application", "b", declared)
    project.platform.serve.running["p-b-blue"]["deployments"][0]["num_replicas"] = 5
    seen = project.look("serving_application", "b").json()["resource"]
    assert (seen["status"], seen["properties"]["tiers"]["api"]["replicas"]) == ("drifted", 5)
    assert project.made("serving_application", "b", declared)["status"] == "ready"
    assert project.look("serving_application", "b").json()["resource"]["status"] == "ready"
    for path in ("model/m5", "alias/m5@latest"):
        refused = project.http.delete(f"/v1/projects/p/resources/{path}")
        assert refused.status_code == 409
        assert "p/serving_application/b" in refused.json()["error"]["value"]


def test_an_application_that_waited_is_deployed_when_its_alias_points_somewhere(project: Plane) -> None:  # noqa: F811
    declared = application("m6", "c", traffic={"production": 100.0})
    gated = {**alias("production"), "model": "m6", "gates": [{"metric": "mae", "below": 1}]}
    project.made("model", "m6", model(3))
    refused = project.made("alias", "m6@production", gated)
    assert (refused["status"], refused["outputs"]["points_to"]) == ("refused", None)
    waiting = project.made("serving_application", "c", declared)
    assert (waiting["status"], waiting["message"]) == ("waiting", "waits for m6@production to point to a pair version")
    project.made("alias", "m6@production", {**gated, "gates": []})
    end = time.monotonic() + DEADLINE
    while project.look("serving_application", "c").json()["resource"]["status"] != "ready":
        assert time.monotonic() < end, "it still waits"
        time.sleep(0.05)
    assert project.platform.serve.running["p-c-blue"]


def test_the_status_says_which_version_answers_after_a_flip(project: Plane) -> None:  # noqa: F811
    declared = application("m7", "d", traffic={"latest": 100.0})
    follows = {**alias("latest"), "model": "m7"}
    project.made("model", "m7", model(3))
    project.made("alias", "m7@latest", follows)
    project.made("serving_application", "d", declared)
    project.made("model", "m7", model(4))
    project.made("alias", "m7@latest", follows, {"p/model/m7": "2"})
    found = {a["name"]: a["serves"] for a in project.http.get("/v1/status").json()["applications"] if "serves" in a}
    assert found["d"] == 2
    assert [e["after"]["outputs"]["serves"] for e in events(project, name="d", action="flip")] == [2]


def test_a_pair_keeps_the_features_it_was_trained_on(project: Plane) -> None:  # noqa: F811
    project.made("feature_view", "kept", VIEW)
    project.made("feature_service", "ks", {"views": {"kept": ["f"]}})
    project.made("model", "m8", model(3, feature_service="ks"))
    wider = {**VIEW, "fields": {"f": "float64", "g": "int64"}, "code": "2"}
    project.made("feature_view", "kept", wider)
    project.made("feature_service", "ks", {"views": {"kept": ["f", "g"]}}, {"p/feature_view/kept": "2"})
    project.made("model", "m8", model(4, feature_service="ks"))
    first, second = (features_of(project.platform, "p", "m8", n) for n in (1, 2))
    entities = {"e": {"join_key": "k", "type": "string"}}
    views = {"kept": {"join_keys": {"k": "string"}, "fields": {"f": "float64"}}}
    assert first == {"name": "ks", "views": views, "entities": entities}
    assert second["views"]["kept"]["fields"] == {"f": "float64", "g": "int64"}
    with project.platform.engine.begin() as connection:  # as a pair of before they were kept
        older = {"digest": "0" * 16, "run_id": "r", "metrics": {}, "features": None}
        registry.commit_pair(connection, "p", "m8", 3, older, store.Actor("test"))
    assert features_of(project.platform, "p", "m8", 3) == second
