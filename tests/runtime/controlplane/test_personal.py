"""Personal data, route by route: who has the attribute sees values, who has not is told names or refused."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from groundplan.controlplane.personal import WITHHELD
from tests.runtime.controlplane.conftest import Plane
from tests.runtime.controlplane.test_identity import through
from tests.runtime.controlplane.told import STORY, declare, is_stored, until, upload

#: Stands in whatever may tell of a person: a key, a logged value, a line of a job, an error.
SECRET = "Jane-Doe"
MARK = ["q/data_source/raw"]
ROLES = ["*:platform_admin", "q:ml_engineer"]
#: What a sample request was answered, in a verdict's words or as its value.
ANSWERED = re.compile(r"is more than|answers from|\"value\": ?7\.5")
CONTRACT = {"contract": {"requests": [[{"k": SECRET}]], "between": [0.0, 5.0]}}
SKEW = {"rows": 1, "examples": [{"what": "hourly__temp", "logged": SECRET, "computed": SECRET}]}


def ask(plane: Plane, method: str, path: str, sees: bool, body: Any = None) -> Any:
    """Ask as an administrator of all projects, with the attribute or without."""
    roles = [*ROLES, "q:personal_data"] if sees else [*ROLES, "other:personal_data"]
    return plane.http.request(method, path, headers=through(plane, roles=roles), json=body)


def made(plane: Plane, kind: str, name: str, properties: dict[str, Any]) -> str | None:
    """Declare one thing, marked, and wait; return its operation."""
    operation = declare(plane.http, "q", kind, name, {**properties, "personal": MARK})
    if operation:
        plane.ended(operation)
    return operation


@pytest.fixture(scope="module")
def marked(plane: Plane) -> Iterator[dict[str, str]]:
    """Project ``q``, all of it made of personal data; returns the ids of operations that told of values."""
    jobs = plane.platform.jobs
    upload(plane.http, "q")
    for kind, name, properties in STORY:
        gates = {"gates": [CONTRACT]} if kind == "alias" else {}
        made(plane, kind, name, {**properties, **gates})
    jobs.answer, jobs.more = [7.5], {"skew": SKEW}
    model = next(properties for kind, _, properties in STORY if kind == "model")
    made(plane, "model", "forecast", {**model, "hyperparameters": {"max_depth": 4}})
    alias = next(properties for kind, _, properties in STORY if kind == "alias")
    refused = made(plane, "alias", "forecast@canary", {**alias, "alias": "canary", "gates": [CONTRACT]})
    made(plane, "gates", "q", {"aliases": ["forecast@canary"]})
    checked = plane.http.post("/v1/projects/q/applications/a:skew", json={"sample": 10}).json()["operation"]
    plane.ended(checked)
    jobs.mistake = {"what": f"cannot convert {SECRET} to a number"}
    source = next(properties for kind, _, properties in STORY if kind == "data_source")
    failed = made(plane, "data_source", "broken", source)
    jobs.answer, jobs.more, jobs.mistake = [1.0], {}, None
    until(lambda: is_stored(plane.http), "all is told")
    yield {"refused": str(refused), "checked": checked, "failed": str(failed)}
    plane.http.delete("/v1/projects/q/resources/data_source/broken")
    plane.http.delete("/v1/projects/q/resources/gates/q")
    plane.http.delete("/v1/projects/q/resources/alias/forecast@canary")
    for kind, name, _ in reversed(STORY):
        plane.http.delete(f"/v1/projects/q/resources/{kind}/{name}")


#: Route → whether it tells values to who may see them.
READS = {
    "/v1/status": True,
    "/v1/projects/q/resources/serving_application/a": True,
    "/v1/projects/q/resources/alias/forecast@production": True,
    "/v1/projects/q/resources/alias/forecast@canary": True,
    "/v1/projects/q/resources/gates/q": True,
    "/v1/projects/q/resources/data_source/broken": True,
    "/v1/projects/q/resources/feature_view/hourly": False,
    "/v1/operations/{refused}": True,
    "/v1/operations/{checked}": True,
    "/v1/operations/{failed}": True,
    "/v1/registry/models": False,
    "/v1/registry/models/q/forecast": False,
    "/v1/registry/models/q/forecast/versions": False,
    "/v1/registry/models/q/forecast/history": False,
    "/v1/registry/models/q/forecast/history?at=2999-01-01T00:00:00Z": False,
    "/v1/catalogue/models?q=forecast": False,
    "/v1/catalogue/models/q/forecast": True,
    "/v1/catalogue/models/q/forecast/versions/1": False,
    "/v1/audit/events?project=q&limit=1000": True,
    "/v1/audit/export?project=q": True,
    "/v1/audit/rebuild": False,
    "/v1/impact?node=q/data_source/raw": False,
    "/v1/lineage?node=q/data_source/raw": False,
}


@pytest.mark.parametrize("path", READS)
def test_values_are_told_to_who_may_see_them(plane: Plane, marked: dict[str, str], path: str) -> None:
    seen = ask(plane, "GET", path.format(**marked), sees=True)
    assert seen.status_code == 200, seen.text
    assert (SECRET in seen.text) == READS[path], seen.text
    assert WITHHELD not in seen.text


@pytest.mark.parametrize("path", READS)
def test_values_are_withheld_from_everybody_else(plane: Plane, marked: dict[str, str], path: str) -> None:
    seen = ask(plane, "GET", path.format(**marked), sees=False)
    assert seen.status_code == 200, seen.text
    assert SECRET not in seen.text
    assert not ANSWERED.search(seen.text), seen.text


@pytest.mark.parametrize(
    "path", ["/api/v1/events/lineage?limit=1000", "/api/v1/namespaces/test.q/jobs/data_source.broken/runs"]
)
@pytest.mark.parametrize("sees", [True, False])
def test_lineage_holds_no_value_for_anybody(plane: Plane, marked: dict[str, str], path: str, sees: bool) -> None:
    answer = ask(plane, "GET", path, sees)
    assert answer.status_code == 200
    assert SECRET not in answer.text
    assert WITHHELD in answer.text


def test_lineage_is_tagged(plane: Plane, marked: dict[str, str]) -> None:
    for name in ("data_source.raw", "feature_view.hourly", "model.forecast", "pair.forecast", "serving_application.a"):
        found = ask(plane, "GET", f"/api/v1/namespaces/test.q/datasets/{name}", sees=False).json()
        tags = {tag["key"]: tag["value"] for tag in found["facets"]["tags"]["tags"]}
        assert tags["personal_data"] == MARK[0], name


VIEW = next(properties for kind, _, properties in STORY if kind == "feature_view")
MODEL = next(properties for kind, _, properties in STORY if kind == "model")
ALIAS = {**next(properties for kind, _, properties in STORY if kind == "alias"), "alias": "canary"}
#: What is asked → whether it takes the attribute.
WRITES: dict[str, tuple[str, str, Any, bool]] = {
    "train": ("POST", "models/forecast:train", None, True),
    "skew": ("POST", "applications/a:skew", {"sample": 10}, True),
    "shadow": ("POST", "applications/a:shadow", {"sample": 10}, True),
    "take its mark away": ("PUT", "resources/feature_view/hourly", VIEW, True),
    "read it in a new view, unmarked": ("PUT", "resources/feature_view/copy", VIEW, True),
    "train on it in a new model": ("PUT", "resources/model/copy", MODEL, True),
    "serve it anew": ("PUT", "resources/serving_application/b", STORY[-1][2], True),
    "say what cannot be read": ("PUT", "resources/feature_view/copy", {"inputs": ["raw"]}, True),
    "remove it": ("DELETE", "resources/data_source/raw", None, True),
    "declare what is none": ("PUT", "resources/entity/other", {"join_key": "o", "type": "string"}, False),
    "preview": ("POST", "aliases/forecast@canary:decide", {"properties": ALIAS}, False),
}  # fmt: skip


@pytest.mark.parametrize("what", WRITES)
def test_what_uses_it_takes_the_attribute(plane: Plane, marked: dict[str, str], what: str) -> None:
    method, path, body, needs = WRITES[what]
    if method == "PUT":
        body = {"digest": "d" * 16, "data_digest": "d" * 16, "properties": body, "upstream": {}}
    before = list(plane.platform.jobs.ran)
    answer = ask(plane, method, f"/v1/projects/q/{path}", sees=False, body=body)
    assert SECRET not in answer.text
    if not needs:
        assert answer.status_code in (200, 202), answer.text
        return
    assert answer.status_code == 403
    error = answer.json()["error"]
    assert error["what"].endswith("it holds personal data")
    assert error["allowed"] == "q:personal_data"
    assert plane.platform.jobs.ran == before


@pytest.mark.parametrize("path", ["s3://groundplan/raw/q/raw/x.parquet", "s3://groundplan-kept/a", "s3://g*/raw/q/x"])
def test_no_data_source_reads_the_platform_s_own_objects(plane: Plane, marked: dict[str, str], path: str) -> None:
    source = {"kind": "parquet", "path": path, "fields": {"k": "string"}}
    body = {"digest": "d" * 16, "data_digest": "d" * 16, "properties": source, "upstream": {}}
    answer = ask(plane, "PUT", "/v1/projects/q/resources/data_source/way_round", sees=False, body=body)
    assert answer.status_code == 422
    assert "not the platform's own" in answer.json()["error"]["allowed"]


def test_who_has_it_checks_and_moves(plane: Plane, marked: dict[str, str]) -> None:
    answer = ask(plane, "POST", "/v1/projects/q/applications/a:skew", sees=True, body={"sample": 10})
    assert answer.status_code == 202
    assert plane.ended(answer.json()["operation"])["status"] == "succeeded"


def test_a_move_by_who_has_it_not_tells_no_answer(plane: Plane, marked: dict[str, str]) -> None:
    plane.platform.jobs.answer = [7.5]
    path, body = "/v1/projects/q/aliases/forecast@canary:move", {"version": 2, "reason": "try it"}
    answer = ask(plane, "POST", path, sees=False, body=body)
    assert answer.status_code == 202
    operation = answer.json()["operation"]
    plane.ended(operation)
    plane.platform.jobs.answer = [1.0]
    told = ask(plane, "GET", f"/v1/operations/{operation}", sees=False)
    assert told.json()["status"] == "failed"
    assert not ANSWERED.search(answer.text + told.text)
    assert SECRET not in answer.text + told.text


def test_an_event_that_is_not_whole_says_so(plane: Plane, marked: dict[str, str]) -> None:
    path = "/v1/audit/export?project=q&kind=alias"
    whole, cut = (
        {each["seq"]: each for each in map(json.loads, ask(plane, "GET", path, sees).text.splitlines())}
        for sees in (True, False)
    )
    assert whole.keys() == cut.keys()
    assert any("withheld" in event for event in cut.values())
    for seq, event in cut.items():
        assert event["hash"] == whole[seq]["hash"]
        assert (event == whole[seq]) == ("withheld" not in event)


def test_events_of_what_is_gone_stay_withheld(plane: Plane, marked: dict[str, str]) -> None:
    made(plane, "feature_view", "gone", VIEW)
    plane.http.delete("/v1/projects/q/resources/feature_view/gone")
    with plane.platform.engine.connect() as connection:
        assert "q" in plane.platform.marks.projects(connection)


def test_a_project_without_personal_data_is_told_whole(plane: Plane, marked: dict[str, str]) -> None:
    upload(plane.http, "plain")
    operation = declare(plane.http, "plain", "data_source", "raw", {**STORY[1][2], "code": "plain"})
    plane.ended(str(operation))
    answer = ask(plane, "GET", "/v1/audit/events?project=plain&limit=1000", sees=False)
    assert "withheld" not in answer.text
    for kind, name in (("data_source", "raw"), ("project", "plain")):
        plane.http.delete(f"/v1/projects/plain/resources/{kind}/{name}")
