"""The catalogue over HTTP, on a real PostgreSQL: finding, a model's page, stages, retirement."""

from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from tests.runtime.controlplane.conftest import Plane, application
from tests.runtime.controlplane.test_api import model, project  # noqa: F401 - a fixture
from tests.runtime.controlplane.test_operations import events
from tests.runtime.controlplane.test_promotion import Bench, bench  # noqa: F401 - a fixture

ODD = "<img src=x onerror=alert(1)>"
APPROVAL = {"approval": {"by": ["ann", "ben"]}}


def page(bench: Bench, by: str = "ann") -> dict[str, Any]:  # noqa: F811
    """The model's page as somebody sees it."""
    url = f"/v1/catalogue/models/p/{bench.name}"
    return dict(bench.plane.http.get(url, headers={"X-Groundplan-Actor": by}).json())


def retire(bench: Bench, version: int, by: str = "ann", verb: str = "retire") -> Any:  # noqa: F811
    """Retire a version, or restore it."""
    url = f"/v1/catalogue/models/p/{bench.name}/versions/{version}:{verb}"
    return bench.plane.http.post(url, json={"reason": "it drifts"}, headers={"X-Groundplan-Actor": by})


def stages(bench: Bench) -> dict[int, str]:  # noqa: F811
    """Version → stage."""
    return {each["version"]: each["stage"] for each in page(bench)["versions"]}


def test_a_model_is_found_by_what_is_known_of_it(bench: Bench) -> None:  # noqa: F811
    http = bench.plane.http
    http.headers["X-Groundplan-Actor"] = "ann"
    bench.plane.made("model", bench.name, model(3, description=ODD, tags={"domain": bench.name}))
    asked = {"q": "onerror", "owner": "t", "feature": "v__f", "tag": f"domain={bench.name}", "metric": "mae<=10"}
    (found,) = http.get("/v1/catalogue/models", params=asked).json()["models"]
    assert (found["name"], found["description"], found["metrics"]["mae"]) == (bench.name, ODD, 10.0)
    assert (found["owner"], found["team"], found["version"], found["stage"]) == ("o", "t", 1, "validated")
    assert http.get("/v1/catalogue/models", params={**asked, "metric": ["mae<=10", "mae>10"]}).json()["count"] == 0
    for wrong in ({"metric": "mae"}, {"stage": "x"}, {"cursor": "x"}, {"sort": "'"}, {"limit": 0}):
        refused = http.get("/v1/catalogue/models", params=wrong)
        assert (refused.status_code, "what" in refused.json()["error"]) == (422, True), wrong


def test_description_and_tags_train_nothing(bench: Bench) -> None:  # noqa: F811
    http, jobs = bench.plane.http, bench.plane.platform.jobs
    http.headers["X-Groundplan-Actor"] = "ann"
    given = model(5)
    assert bench.plane.made("model", bench.name, given)["outputs"]["version"] == 1
    ran = list(jobs.ran)
    data = bench.plane.look("model", bench.name).json()["resource"]["data_digest"]
    body = {"digest": "e" * 16, "data_digest": data, "properties": {**given, "description": "Now said"}, "upstream": {}}
    answer = http.put(f"/v1/projects/p/resources/model/{bench.name}", json=body)
    assert bench.plane.ended(answer.json()["operation"])["resource"]["outputs"]["version"] == 1
    assert jobs.ran == ran
    assert page(bench)["description"] == "Now said"


def test_a_model_s_page_tells_all(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    bench.declare("production", {"metric": "mae", "below": 11}, follow="latest")
    bench.plane.made("serving_application", f"a_{bench.name}", application(bench.name, f"a_{bench.name}"))
    told = page(bench)
    (version,) = told["versions"]
    assert (version["stage"], version["aliases"], version["applications"]) == (
        "production",
        ["production"],
        [f"a_{bench.name}"],
    )
    assert [(gate["alias"], gate["passed"], gate["reason"]) for gate in version["gates"]] == [
        ("production", True, "mae 10 is below 11")
    ]
    assert told["reads"]["views"][0] | {"description": "", "tags": {}} == {
        "view": "v", "description": "", "tags": {}, "entities": ["e"], "ttl": "3h", "online": True,
        "fields": {"f": "float64"}, "personal": [],
    }  # fmt: skip
    assert [(event["what"], event["version"]) for event in told["history"]] == [("moved", 1), ("trained", 1)]
    kinds = [node["kind"] for node in told["lineage"]["nodes"]]
    assert kinds == ["model", "alias", "serving_application"], "what feeds a model is named by its upstream digests"
    assert told["applications"][0]["route"] == f"/p/a_{bench.name}"
    assert bench.plane.http.get(f"/v1/catalogue/models/p/{bench.name}/versions/1").json()["run_id"] == "r"
    assert bench.plane.http.get("/v1/catalogue/models/p/nobody").status_code == 404
    assert bench.plane.http.get(f"/v1/catalogue/models/p/{bench.name}/versions/7").status_code == 404


def test_from_draft_to_production(bench: Bench) -> None:  # noqa: F811
    jobs = bench.plane.platform.jobs
    gates = ({"metric": "mae", "below": 11}, APPROVAL)
    jobs.metrics = {"mae": 14.0, "baseline_mae": 12.0}
    bench.train(3)
    bench.declare("production", *gates)
    jobs.metrics = {"mae": 9.0, "baseline_mae": 12.0}
    bench.train(4)
    bench.declare("production", *gates)
    assert stages(bench) == {1: "draft", 2: "validated"}
    approve = page(bench)["versions"][0]["actions"]["approve"]
    assert approve == {"allowed": False, "why": "ann trained it: somebody else has to approve it"}
    assert page(bench, "ben")["versions"][0]["actions"]["approve"] == {"allowed": True, "why": None}
    assert page(bench, "eve")["versions"][0]["actions"]["approve"]["why"] == "ann or ben may approve it"
    (alias,) = page(bench)["aliases"]
    assert alias["waits"]["version"] == 2
    bench.ask("production", "move", by="ben", version=2, reason="in time for May")
    assert page(bench, "ben")["versions"][0]["actions"]["approve"]["why"].startswith("ben asked for it: somebody else")
    bench.ask("production", "move", by="ann", version=2, reason="in time for May")
    assert bench.approve(1, "ben") == []  # nothing waits for version 1; a gate refuses it still
    assert stages(bench)[1] == "draft"
    bench.approve(2, "ben")
    assert stages(bench) == {1: "draft", 2: "production"}
    assert page(bench, "ben")["versions"][0]["actions"]["approve"]["why"] == "ben approved it already"


def test_what_serves_cannot_be_retired(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    bench.declare("production", follow="latest")
    app = f"a_{bench.name}"
    bench.plane.made("serving_application", app, application(bench.name, app))
    seen = len(events(bench.plane, kind="pair", name=bench.name))
    refused = retire(bench, 1)
    assert refused.status_code == 409
    assert f"it answers in {app}; production points to it" in refused.json()["error"]["what"]
    assert len(events(bench.plane, kind="pair", name=bench.name)) == seen
    assert stages(bench) == {1: "production"}


def test_a_retired_version_is_never_loaded_again(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    bench.declare("production", follow="latest")
    assert page(bench)["versions"][0]["actions"]["rollback"]["why"] == "there is nothing to go back to"
    bench.train(4)
    bench.declare("production", follow="latest")
    assert stages(bench) == {1: "validated", 2: "production"}
    assert page(bench)["versions"][0]["actions"]["rollback"]["allowed"]
    done = retire(bench, 1, by="ben")
    assert (done.status_code, done.json()["stage"]) == (200, "retired")
    assert done.json()["retired"]["actor"] == "ben"
    before = len(events(bench.plane, kind="pair", name=bench.name))
    assert retire(bench, 1).status_code == 200  # again: nothing more is written
    assert len(events(bench.plane, kind="pair", name=bench.name)) == before
    last = events(bench.plane, kind="pair", name=bench.name)[-1]
    assert (last["action"], last["actor"], last["reason"], last["after"]) == (
        "retire", "ben", "it drifts", {"version": 1, "retired": True}
    )  # fmt: skip
    assert "was retired by ben: it drifts" in bench.ask("production", "move", version=1, reason="back")["what"]
    assert "nothing to go back to" in bench.ask("production", "rollback", reason="back")["what"]
    bench.train(3)  # the declaration of version 1 again: it selects that pair, and the alias does not follow it
    stays = bench.declare("production", follow="latest", on_refusal="hold")
    assert (stays["status"], stays["outputs"]["points_to"]) == ("refused", 2)
    assert "pair version 1 was retired by ben" in stays["message"]
    pinned = bench.plane.put("alias", f"{bench.name}@canary", {"model": bench.name, "alias": "canary", "version": 1})
    assert "was retired" in bench.plane.ended(pinned.json()["operation"])["error"]["what"]
    assert retire(bench, 1, verb="restore").json()["stage"] == "validated"
    assert bench.ask("production", "release")["resource"]["outputs"]["points_to"] == 1
    assert [event["what"] for event in page(bench)["history"]][:3] == ["moved", "restored", "retired"]


def test_the_newest_version_can_be_retired_while_latest_names_it(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    bench.declare("latest", follow="latest")
    assert retire(bench, 1).json()["stage"] == "retired"
    assert bench.declare("latest", follow="latest", on_refusal="hold")["status"] == "ready"


def test_retirements_cannot_be_rewritten(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    retire(bench, 1)
    with (
        bench.plane.platform.engine.connect() as connection,
        pytest.raises(sa.exc.ProgrammingError, match="append-only"),
    ):
        connection.execute(sa.text("UPDATE retirements SET retired = false"))


def test_what_applications_answered_is_counted_by_hour(bench: Bench) -> None:  # noqa: F811
    bench.train(3)
    bench.declare("production", follow="latest")
    app = f"a_{bench.name}"
    bench.plane.made("serving_application", app, application(bench.name, app))
    now = datetime.now(UTC)
    folder = f"predictions/p/{app}/date={now:%Y-%m-%d}/hour={now:%H}"
    for name in ("w-00000001-40.parquet", "w-00000002-2.parquet"):
        bench.plane.platform.objects.put(f"{folder}/{name}", b"PAR1")
    (found,) = bench.plane.http.get(f"/v1/catalogue/models/p/{bench.name}/usage?hours=3").json()["applications"]
    assert [each["rows"] for each in found["hours"]][-1] == 42 or now.minute == 59
    assert len(found["hours"]) == 3


def test_the_page_is_there_for_everybody_and_runs_nothing_but_itself(plane: Plane) -> None:
    found = plane.http.get("/catalogue/", headers={"Authorization": ""})
    assert found.status_code == 200
    assert "script-src 'self'" in found.headers["Content-Security-Policy"]
    assert "unsafe" not in found.headers["Content-Security-Policy"]
    assert plane.http.get("/catalogue", headers={"Authorization": ""}).url.path == "/catalogue/"
    for path in ("/catalogue/../app.py", "/catalogue/%2e%2e/app.py", "/catalogue/..%2fapp.py", "/catalogue/none.js"):
        assert plane.http.get(path, headers={"Authorization": ""}).status_code == 404, path
