"""From one environment to the next: what is asked of either control plane, carried, shown, and refused."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from groundplan.capacity import asks_of
from groundplan.cli._transfer import take_pairs
from groundplan.compose import load
from groundplan.errors import SpecError
from groundplan.plan import build_plan
from tests.unit.cli.conftest import Desk
from tests.unit.cli.test_asking import use

DEV, STAGING = 21000, 22000
STACK = """\
name: {name}
target: local
alias: {alias}
projects: [shop]
local: {{data_dir: .groundplan/{name}, port_base: {base}}}
"""
FILES = {name: f"bytes of {name}".encode() for name in ("preprocessor", "model", "holdout", "view.recent")}
MODEL = "/registry/models/shop/spend"
OPERATION = "model:shop:spend:abc"


def known(data: bytes) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)}


MANIFEST = {"digest": "d" * 16, "files": {name: known(data) for name, data in FILES.items()}}


class Two:
    """Two control planes, told apart by their ports."""

    def __init__(self) -> None:
        self.dev_points: dict[str, int | None] = {"latest": 7, "production": 5}
        self.files = dict(FILES)
        self.here: dict[str, bytes] = {known(FILES["holdout"])["sha256"]: FILES["holdout"]}
        self.imported: list[dict[str, Any]] = []
        self.selected = "e" * 16
        self.alias = {
            "status": "ready",
            "message": None,
            "properties": {"follow": "latest"},
            "outputs": {"points_to": 3},
        }
        self.statuses = ["waiting", "pending", "ready"]

    def answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/v1")
        answers = self._dev if request.url.port == DEV + 4 else self._staging
        return answers(request, path)

    def _dev(self, request: httpx.Request, path: str) -> httpx.Response:
        assert request.method == "GET", "nothing is written where a pair comes from"
        if path == MODEL:
            aliases = [{"alias": name, "version": version} for name, version in self.dev_points.items()]
            versions = [{"version": 5, "digest": "e" * 16}, {"version": 7, "digest": "d" * 16}]
            return httpx.Response(200, json={"aliases": aliases, "versions": versions})
        if path == f"{MODEL}/pairs/{'d' * 16}":
            return httpx.Response(200, json=MANIFEST)
        return httpx.Response(200, content=self.files[path.rsplit("/", 1)[1]])

    def _staging(self, request: httpx.Request, path: str) -> httpx.Response:
        hash = path.rsplit("/", 1)[1]
        if request.method == "HEAD":
            return httpx.Response(200 if hash in self.here else 404)
        if request.method == "PUT":
            self.here[hash] = request.content
            return httpx.Response(200, json={})
        if path == f"{MODEL}/pairs:import":
            self.imported.append(json.loads(request.content))
            return httpx.Response(202, json={"operation": OPERATION, "resource": {}})
        resource = {"message": None, "outputs": {"version": 3}}
        table = {
            f"/operations/{OPERATION}": {"status": "succeeded", "messages": [], "error": None, "resource": resource},
            "/status": {
                "aliases": [{"project": "shop", "name": "spend@staging"}, {"project": "p", "name": "x@y"}],
                "applications": [{"project": "shop", "name": name} for name in ("offer", "trial")]
                + [{"project": "p", "name": "z"}],
            },
            "/projects/shop/resources/serving_application/trial": {"resource": application("waiting", "canary")},
            "/projects/shop/resources/alias/spend@staging": {"resource": self.alias},
            MODEL: {"version": 2, "versions": [{"version": 2, "digest": self.selected}], "aliases": []},
        }
        if path == "/projects/shop/resources/serving_application/offer":
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            return httpx.Response(200, json={"resource": application(status, "staging")})
        return httpx.Response(200, json=table[path])


def application(status: str, alias: str) -> dict[str, Any]:
    return {"status": status, "message": "why", "properties": {"model": "spend", "traffic": {alias: 100.0}}}


@pytest.fixture
def two(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Two:
    desk.files.write("stacks/dev.yaml", STACK.format(name="dev", alias="latest", base=DEV))
    staging = STACK.format(name="staging", alias="production", base=STAGING) + "source: {stack: dev}\n"
    desk.files.write("stacks/staging.yaml", staging)
    for name in ("dev", "staging"):
        secrets = desk.files.root / f".groundplan/{name}/secrets"
        secrets.mkdir(parents=True)
        (secrets / "controlplane-token").write_text("the-token\n")
    made = Two()
    use(made.answer, monkeypatch)
    return made


PROMOTE = ("promote", "shop/spend", "--from", "dev", "--to", "staging", "--reason", "good for two days")


def test_what_is_not_there_is_carried_and_the_same_pair_imported(desk: Desk, two: Two) -> None:
    said = desk.command(*PROMOTE)
    assert said.code == 0, said.err
    assert said.out.splitlines() == [
        f"shop/spend@latest, dev → staging: pair {'d' * 16}, version 7 there, is version 3 here",
        "staging points to 3",
        "application offer is ready",
    ]
    assert two.statuses == ["ready"], "who asks for a prediction next is answered"
    carried = [line.split()[1] for line in said.err.splitlines() if line.startswith("carries")]
    assert carried == ["preprocessor", "model", "view.recent"], "what is there is not sent again"
    assert two.imported == [{"manifest": MANIFEST, "reason": "good for two days"}]
    assert sorted(two.here.values()) == sorted(FILES.values())


def test_as_json_and_with_another_alias_of_the_source(desk: Desk, two: Two) -> None:
    two.dev_points = {"latest": 5, "canary": 7}
    document = json.loads(desk.command(*PROMOTE[:1], "spend@canary", *PROMOTE[2:], "--json").out)
    assert (document["digest"], document["there"], document["here"]) == ("d" * 16, 7, 3)
    assert (document["aliases"], document["applications"]) == ({"staging": 3}, {"offer": "ready"})


def test_an_application_that_does_not_come_up_is_shown(desk: Desk, two: Two) -> None:
    two.statuses = ["failed"]
    assert desk.command(*PROMOTE).out.splitlines()[-1] == "application offer is failed: why"


def test_bytes_that_differ_from_the_manifest_are_not_sent_on(desk: Desk, two: Two) -> None:
    two.files["model"] = b"other bytes"
    said = desk.command(*PROMOTE)
    assert said.code == 1
    assert "model is not what its manifest says; nothing was imported" in said.err
    assert two.imported == []
    assert b"other bytes" not in two.here.values()


def test_a_refusal_by_a_gate_there_is_shown(desk: Desk, two: Two) -> None:
    two.alias = {**two.alias, "status": "refused", "message": "stays at 2: mae below 1", "outputs": {"points_to": 2}}
    assert desk.command(*PROMOTE).out.splitlines()[1] == "staging points to 2: stays at 2: mae below 1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("spend", "--from", "staging", "--to", "dev"),
            "dev trains its own pairs and takes none; fix: add source: {stack: staging} to stacks/dev.yaml",
        ),
        (
            ("spend", "--from", "local", "--to", "staging"),
            "staging takes its pairs from dev, not from local; fix: --from dev",
        ),
        (("spend", "--to", "prod"), "no environment 'prod'"),
        (("spend", "--from", "dev"), "--from needs --to"),
        (("spend", "7", "--to", "staging"), "a number is local to its registry"),
        (("spend",), "which version?"),
        (("spend@nothing", "--to", "staging"), "aliases that do: latest, production"),
    ],
)
def test_a_way_that_there_is_not_is_one_line(desk: Desk, two: Two, words: tuple[str, ...], said: str) -> None:
    done = desk.command("promote", *words, "--reason", "because")
    assert (done.code, done.out) == (1, "")
    assert said in done.err
    assert done.err.count("\n") == 1
    assert two.imported == []


def test_a_source_changes_no_digest_of_data_and_trains_nothing(desk: Desk, two: Two) -> None:
    dev, staging = (build_plan(*load(desk.files.root, env)).node("shop/model/spend") for env in ("dev", "staging"))
    assert dev.data_digest == staging.data_digest
    assert "source" not in dev.properties
    assert staging.properties["source"] == {"stack": "dev"}
    for env, runs in (("dev", {"training"}), ("staging", set())):
        asks = asks_of(build_plan(*load(desk.files.root, env)))
        assert {ask.what for ask in asks} & {"training"} == runs


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("source: {stack: dev}", "source: {stack: staging}", "source.stack: is this stack itself"),
        ("source: {stack: dev}", "source: {stack: dev, take: always}", "source.take"),
        ("source: {stack: dev}", "cost: {alarm_emails: [a@b.org]}", "cost.alarm_emails: are told of a ceiling"),
        ("source: {stack: dev}", "cost: {ceiling_usd_per_month: -1}", "cost.ceiling_usd_per_month"),
        ("source: {stack: dev}", "cost: {alarm_emails: [nobody]}", "cost.alarm_emails[0]"),
    ],
)
def test_mistakes_are_named_with_their_place(desk: Desk, two: Two, old: str, new: str, said: str) -> None:
    desk.files.edit("stacks/staging.yaml", old, new)
    with pytest.raises(SpecError) as refused:
        load(desk.files.root, "staging")
    assert said in str(refused.value)
    assert "stacks/staging.yaml" in str(refused.value)


DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.mark.parametrize("page", ["cost.md", "environments.md"])
def test_the_declarations_in_the_docs_are_valid(desk: Desk, two: Two, page: str) -> None:
    yaml = (DOCS / page).read_text().split("```yaml\n")[1].split("```")[0].replace("[flights]", "[shop]")
    if page == "cost.md":
        yaml = (desk.files.root / "stacks/dev.yaml").read_text().replace("name: dev", "name: staging") + yaml
    desk.files.write("stacks/staging.yaml", yaml.replace("alias: staging", "alias: production"))
    load(desk.files.root, "staging")


def test_an_up_says_when_the_source_has_another_pair(desk: Desk, two: Two, capfd: pytest.CaptureFixture[str]) -> None:
    stack, projects = load(desk.files.root, "staging")
    take_pairs(stack, projects)
    said = capfd.readouterr().err
    assert "dev has another pair (dddddddddddddddd); groundplan promote shop/spend --from dev --to staging" in said
    two.selected = "d" * 16
    take_pairs(stack, projects)
    assert capfd.readouterr().err == ""
    assert two.imported == []


def test_an_up_takes_it_where_the_stack_says_so(desk: Desk, two: Two, capfd: pytest.CaptureFixture[str]) -> None:
    desk.files.edit("stacks/staging.yaml", "source: {stack: dev}", "source: {stack: dev, take: on_up}")
    take_pairs(*load(desk.files.root, "staging"))
    assert [each["reason"] for each in two.imported] == ["up: staging takes what dev's latest points to"]
    said = capfd.readouterr().err.splitlines()
    assert "version 7 there, is version 3 here" in next(line for line in said if line.startswith("shop/spend@latest"))
    assert said[-3:] == ["waiting for offer", "staging points to 3", "application offer is ready"]
    assert two.statuses == ["ready"], "the prediction that an `up` ends with is answered"


def test_an_up_waits_for_what_one_that_was_cut_off_had_begun(
    desk: Desk, two: Two, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.files.edit("stacks/staging.yaml", "source: {stack: dev}", "source: {stack: dev, take: on_up}")
    two.selected = "d" * 16
    two.alias = {**two.alias, "outputs": {"points_to": 2}}  # by hand; the pair that is there is not waited for
    take_pairs(*load(desk.files.root, "staging"))
    assert (two.imported, two.statuses) == ([], ["ready"])
    assert capfd.readouterr().err == "waiting for offer\n"


def test_a_source_that_has_nothing_fails_no_up(desk: Desk, two: Two, capfd: pytest.CaptureFixture[str]) -> None:
    two.dev_points = {"latest": None}
    take_pairs(*load(desk.files.root, "staging"))
    assert capfd.readouterr().err.startswith("warning: no pair was taken: dev: shop/spend@latest points to no pair")
    (desk.files.root / "stacks/dev.yaml").unlink()
    take_pairs(*load(desk.files.root, "staging"))
    assert "no environment 'dev'" in capfd.readouterr().err


@pytest.fixture
def shared(desk: Desk, two: Two) -> Desk:
    """staging reads dev's registry; nothing answers at dev's MLflow."""
    desk.files.edit("stacks/staging.yaml", "source: {stack: dev}", "source: {stack: dev, registry: shared}")
    return desk


def test_of_a_shared_registry_the_rows_are_carried_and_no_half(shared: Desk, two: Two) -> None:
    said = shared.command(*PROMOTE)
    assert said.code == 0, said.err
    assert [line.split()[1] for line in said.err.splitlines() if line.startswith("carries")] == ["view.recent"]
    assert two.imported == [{"manifest": MANIFEST, "reason": "good for two days"}]


def test_the_owner_of_the_registry_has_to_be_up_first(shared: Desk) -> None:
    said = shared.command("up", "staging")
    assert said.err == "error: staging reads the registry of dev, which is not up; fix: groundplan up dev first\n"
    assert shared.calls() == [], "nothing was begun"
    (shared.files.root / ".groundplan/dev/secrets/mlflow-reader-token").write_text("reads")
    assert "dev, which is not up" in shared.command("up", "staging").err, "deployed once, and stopped"
    said = shared.command("preview", "staging")
    assert "warning: `up` would stop here: staging reads the registry of dev, which is not up" in said.err
    assert any(call.startswith("preview") for call in shared.calls())


def test_a_registry_is_not_purged_under_its_readers(shared: Desk) -> None:
    said = shared.command("down", "dev", "--purge", "--yes")
    assert (said.code, said.err) == (
        1,
        "error: staging reads the registry of dev, and a purge removes its pairs; "
        "fix: groundplan down staging --purge first\n",
    )
    said = shared.command("down", "dev")
    assert "it loads no other pair until groundplan up dev" in said.err
    shutil.rmtree(shared.files.root / ".groundplan/staging")
    assert "reads the registry" not in shared.command("down", "dev", "--purge", "--yes").err
