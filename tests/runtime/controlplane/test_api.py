"""The control plane's rules over HTTP, on a real PostgreSQL."""

import pytest
import sqlalchemy as sa

from groundplan.plan import digest_of
from tests.runtime.controlplane.conftest import Plane, application

CODE = {"features/v.sql": "0" * 64}
SOURCE = {"kind": "csv", "path": "data/x.csv", "fields": {"k": "string"}, "code": "1"}
VIEW = {"entities": ["e"], "inputs": ["s"], "sql": "features/v.sql", "code": "1", "timestamp": "t", "ttl": "3h"}
VIEW |= {"fields": {"f": "float64"}, "online": True, "description": "", "tags": {}}


def model(depth: int = 6, **changes: object) -> dict[str, object]:
    """A model's declaration."""
    examples = {"sql": "x.sql", "inputs": ["s"], "timestamp": "t", "target": "y", "code": "1"}
    return {
        "kind": "xgboost",
        "feature_service": "fs",
        "examples": examples,
        "as_of": "2014-01-01T00:00:00Z",
        "validation": {"holdout": "28d", "metric": "mae", "folds": 3},
        "preprocessor": {"impute": "median", "scale": False, "categorical": []},
        "hyperparameters": {"max_depth": depth},
        "retrain": "on_change",
        **changes,
    }


def alias(name: str, **rule: object) -> dict[str, object]:
    """An alias's declaration."""
    return {"model": "m", "alias": name, "gates": [], "on_refusal": "fail", **(rule or {"follow": "latest"})}


@pytest.fixture(scope="package")
def project(plane: Plane) -> Plane:
    """Project ``p`` with everything up to its feature service."""
    uploaded = plane.http.put(f"/v1/projects/p/code/{digest_of(CODE)}", content=b"PK zip")
    assert uploaded.status_code == 200, uploaded.text
    declared = {"team": "t", "owner": "o", "description": "", "source": "projects/p", "code": CODE}
    assert plane.made("project", "p", declared)["status"] == "ready"
    plane.made("entity", "e", {"join_key": "k", "type": "string", "description": ""})
    plane.made("data_source", "s", SOURCE)
    plane.made("feature_view", "v", VIEW)
    plane.made("feature_service", "fs", {"views": {"v": ["f"]}})
    return plane


def test_without_the_token_nothing_is_told(plane: Plane) -> None:
    for header in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        answer = plane.http.get("/v1/status", headers=header)
        assert answer.status_code == 401
        assert answer.json()["error"]["what"]
    assert plane.http.get("/healthz", headers={"Authorization": ""}).json() == {"status": "ok"}


def test_the_correlation_id_is_echoed_or_made(plane: Plane) -> None:
    assert plane.http.get("/v1/status", headers={"X-Correlation-Id": "abc-1"}).headers["X-Correlation-Id"] == "abc-1"
    assert len(plane.http.get("/v1/status").headers["X-Correlation-Id"]) == 32


@pytest.mark.parametrize(
    ("kind", "name", "status", "path"),
    [("nothing", "x", 404, "kind"), ("entity", "Bad-Name", 422, "name"), ("feature_service", "y", 409, "p")],
)
def test_a_bad_declaration_is_one_line(project: Plane, kind: str, name: str, status: int, path: str) -> None:
    answer = project.put(kind, name, {"views": {"unknown": ["f"]}})
    assert answer.status_code == status
    assert answer.json()["error"]["path"].startswith(path)


def test_the_same_digest_again_changes_nothing(project: Plane) -> None:
    before = len(project.http.get("/v1/audit/events?limit=1000").json()["events"])
    ran = list(project.platform.jobs.ran)
    assert project.put("feature_view", "v", VIEW).status_code == 200
    assert project.put("data_source", "s", SOURCE).status_code == 200
    assert len(project.http.get("/v1/audit/events?limit=1000").json()["events"]) == before
    assert project.platform.jobs.ran == ran


def test_a_view_changed_by_hand_is_seen_and_repaired(project: Plane) -> None:
    project.platform.feast.registry["p", "feature_view", "v"]["ttl"] = "99h"
    seen = project.look("feature_view", "v").json()["resource"]
    assert (seen["status"], seen["properties"]["ttl"]) == ("drifted", "99h")
    assert project.made("feature_view", "v", VIEW)["status"] == "ready"
    assert project.look("feature_view", "v").json()["resource"]["properties"]["ttl"] == "3h"


def test_what_is_gone_is_404(project: Plane) -> None:
    project.platform.feast.registry.pop(("p", "entity", "e"))
    assert project.look("entity", "e").status_code == 404
    assert project.made("entity", "e", {"join_key": "k", "type": "string", "description": ""})["status"] == "ready"


def test_a_user_s_mistake_in_a_job_is_the_operation_s_error(project: Plane) -> None:
    project.platform.jobs.mistake = {"what": "no such column", "path": "features/w.sql:3", "fix": "look"}
    answer = project.put("feature_view", "w", {**VIEW, "code": "2"})
    ended = project.ended(answer.json()["operation"])
    project.platform.jobs.mistake = None
    assert ended["status"] == "failed"
    assert ended["error"]["path"] == "features/w.sql:3"
    assert project.made("feature_view", "w", {**VIEW, "code": "2"})["status"] == "ready"


def test_asking_twice_trains_once_and_joins(project: Plane) -> None:
    project.platform.jobs.go.clear()
    first, second = project.put("model", "m", model()).json(), project.put("model", "m", model()).json()
    project.platform.jobs.go.set()
    assert first["operation"] == second["operation"]
    made = project.ended(first["operation"])["resource"]
    assert made["outputs"]["version"] == 1
    assert project.put("model", "m", model()).status_code == 200
    assert project.platform.jobs.ran.count("train m") == 1


def test_promotion_warms_flips_and_keeps_the_old_one_warm(project: Plane) -> None:
    gated = alias("production", follow="latest", gates=[{"metric": "mae", "better_than": "baseline"}])
    assert project.made("alias", "m@production", gated)["outputs"]["points_to"] == 1
    assert project.made("serving_application", "a", application())["outputs"]["serves"] == 1
    project.made("model", "m", model(7))
    project.platform.serve.puts.clear()
    moved = project.made("alias", "m@production", gated, {"p/model/m": "2"})
    assert moved["outputs"]["points_to"] == 2
    assert project.platform.serve.puts == [
        ("p-a-blue", [1, 2], {"production": 1}),
        ("p-a-blue", [1, 2], {"production": 2}),
    ]
    assert project.look("serving_application", "a").json()["resource"]["outputs"]["serves"] == 2


def test_a_refused_gate_is_an_outcome_and_the_gates_say_so(project: Plane) -> None:
    project.platform.jobs.metrics = {"mae": 14.0, "baseline_mae": 12.0}
    gated = alias("production", follow="latest", gates=[{"metric": "mae", "better_than": "baseline"}])
    project.made("model", "m", model(8))
    refused = project.made("alias", "m@production", gated, {"p/model/m": "3"})
    assert (refused["status"], refused["outputs"]["points_to"]) == ("refused", 2)
    assert "14" in refused["message"]
    gates = project.made("gates", "p", {"aliases": ["m@production"]})
    assert gates["status"] == "refused"
    project.platform.jobs.metrics = {"mae": 10.0, "baseline_mae": 12.0}


def test_the_old_declaration_selects_its_old_number_without_training(project: Plane) -> None:
    ran = len(project.platform.jobs.ran)
    assert project.made("model", "m", model(6))["outputs"]["version"] == 1
    assert len(project.platform.jobs.ran) == ran


def test_an_alias_moved_by_hand_in_mlflow_is_seen_and_repaired(project: Plane) -> None:
    latest = alias("latest")
    project.made("alias", "m@latest", latest)
    project.platform.mlflow.aliases["p_m", "latest"] = (1, 2)
    assert project.look("alias", "m@latest").json()["resource"]["status"] == "drifted"
    assert project.made("alias", "m@latest", latest)["status"] == "ready"
    assert project.platform.mlflow.aliases["p_m", "latest"] == (1, 1)


def test_a_move_by_a_person_holds_until_released(project: Plane) -> None:
    url = "/v1/projects/p/aliases/m@latest"
    assert project.http.post(f"{url}:move", json={"version": 9, "reason": "try it"}).status_code == 409
    moved = project.http.post(f"{url}:move", json={"version": 2, "reason": "an incident"})
    assert project.ended(moved.json()["operation"])["resource"]["outputs"]["points_to"] == 2
    held = project.made("alias", "m@latest", alias("latest"), {"p/model/m": "4"})
    assert held["outputs"]["points_to"] == 2
    assert "an incident" in held["message"]
    released = project.ended(project.http.post(f"{url}:release").json()["operation"])
    assert released["resource"]["outputs"]["points_to"] == 1
    history = project.http.get("/v1/registry/models/p/m/history").json()["moves"]
    assert [m["to_version"] for m in history if m["alias"] == "latest"] == [1, 2, 1]


def test_a_deleted_application_is_gone_and_comes_back(project: Plane) -> None:
    config = project.platform.serve.running.pop("p-a-blue")
    assert project.look("serving_application", "a").status_code == 404
    assert project.made("serving_application", "a", application())["status"] == "ready"
    assert project.platform.serve.running["p-a-blue"]["name"] == config["name"]


def test_delete_refuses_what_others_are_made_from(project: Plane) -> None:
    project.made("feature_service", "gs", {"views": {"w": ["f"]}}, {"p/feature_view/w": "1"})
    assert project.http.delete("/v1/projects/p/resources/feature_view/w").status_code == 409
    assert project.http.delete("/v1/projects/p/resources/feature_service/gs").status_code == 200
    assert project.http.delete("/v1/projects/p/resources/feature_view/w").status_code == 200
    assert project.http.delete("/v1/projects/p/resources/feature_view/w").status_code == 404


def test_history_cannot_be_rewritten(project: Plane) -> None:
    for statement in ("UPDATE events SET actor = 'x'", "DELETE FROM events", "TRUNCATE alias_moves"):
        with pytest.raises(sa.exc.DBAPIError, match="append-only"), project.platform.engine.begin() as connection:
            connection.execute(sa.text(statement))
