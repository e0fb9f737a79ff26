"""The other commands, as far as they need no platform."""

import json
import shlex
import subprocess
import uuid
from pathlib import Path

import pytest

from groundplan.cli._settings import ensure_settings, stack_id
from groundplan.cli.predict import parse_entity
from groundplan.errors import GroundplanError
from groundplan.local.folder import OWNER
from tests.unit.cli.conftest import Desk


def test_env_prints_what_a_shell_can_evaluate_and_nothing_else(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_CONFIG_PASSPHRASE", "would win over the file")
    said = desk.command("env", "local")
    assert said.code == 0
    shown = "PULUMI_BACKEND_URL PULUMI_CONFIG_PASSPHRASE_FILE PULUMI_CONFIG_PASSPHRASE GROUNDPLAN_RUNTIME_PYTHON"
    script = f"{said.out}\nfor v in {shown}; do eval echo \\$v=\\$$v; done; command -v pulumi"
    out = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()
    root = desk.files.root
    assert out[0] == f"PULUMI_BACKEND_URL=file://{root}/.groundplan/state"
    assert out[1] == f"PULUMI_CONFIG_PASSPHRASE_FILE={root}/.groundplan/passphrase"
    assert out[2] == "PULUMI_CONFIG_PASSPHRASE="
    assert out[3].endswith("/runtime/bin/python")
    assert out[4] == str(desk.fake / "pulumi")


def test_env_quotes_and_never_prints_the_passphrase(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/with space/bin:/usr/bin:/bin")
    said = desk.command("env")
    assert any(word.startswith("PATH=") and "/with space/bin" in word for word in shlex.split(said.out))
    assert desk.opened.passphrase.read_text() not in said.out + said.err


def test_plan_as_json_and_for_people_name_the_same_nodes(desk: Desk) -> None:
    nodes = json.loads(desk.command("plan", "--json").out)["nodes"]
    table = desk.command("plan").out
    assert nodes
    assert all(node["id"] in table for node in nodes)
    assert "\x1b" not in table


def test_plan_explains_a_node_and_what_it_reaches(desk: Desk) -> None:
    said = desk.command("plan", "--node", "shop/feature_view/recent", "--json")
    assert "shop/model/spend" in json.loads(said.out)["downstream"]
    unknown = desk.command("plan", "--node", "shop/feature_view/recnt")
    assert unknown.code == 1
    assert "there is: shop/feature_view/recent" in unknown.err


def test_check_says_all_mistakes_also_as_json(desk: Desk) -> None:
    assert desk.command("check").code == 0
    desk.files.edit("projects/shop/features/recent.sql", "avg(amount)", "avg(amuont)")
    assert "projects/shop/features/recent.sql" in desk.command("check").err
    said = desk.command("check", "--json")
    assert said.code == 1
    assert json.loads(said.out)["problems"][0]["file"] == "projects/shop/features/recent.sql"


def test_a_new_project_is_valid_and_in_the_stack(desk: Desk) -> None:
    assert desk.command("new", "project", "sales").code == 0
    assert "sales/model/sales" in desk.command("plan").out
    again = desk.command("new", "project", "sales")
    assert (again.code, again.err.count("\n")) == (1, 1)


def test_schemas_are_written_and_found_stale(desk: Desk) -> None:
    assert desk.command("schema", "--check").code == 1
    assert desk.command("schema", "--write").code == 0
    assert desk.command("schema", "--check").code == 0
    assert json.loads(desk.command("schema", "stack.json").out)["properties"]


def test_logs_shows_the_last_lines_and_names_what_there_is(desk: Desk) -> None:
    assert "fix: groundplan up local" in desk.command("logs", "mlflow").err
    folder = desk.files.root / ".groundplan/local/logs"
    folder.mkdir(parents=True)
    (folder / "mlflow.log").write_text("one\ntwo\nthree\n")
    assert desk.command("logs", "mlflow", "-n", "2").out == "two\nthree\n"
    assert desk.command("logs", "ray").err == "error: no log of a service 'ray'; there is: mlflow\n"


@pytest.mark.parametrize("command", [["status"], ["status", "--json"]])
def test_status_of_nothing_deployed_says_so_and_exits_1(desk: Desk, command: list[str]) -> None:
    said = desk.command(*command)
    assert said.code == 1
    assert "nothing is deployed in 'local'" in said.err
    if "--json" in command:
        assert json.loads(said.out)["services"] == []


def test_predict_and_train_name_what_exists(desk: Desk) -> None:
    assert desk.command("predict", "shop/spent").err == (
        "error: no serving application 'shop/spent'; there is: shop/spend\n"
    )
    assert desk.command("predict").err.endswith("fix: groundplan predict shop/spend --entity customer=…\n")
    assert desk.command("train", "spent").err == "error: no model 'spent'; there is: shop/spend\n"


def test_an_entity_gets_the_types_of_its_keys() -> None:
    types = {"origin": "string", "hour": "int64", "late": "bool"}
    assert parse_entity("origin=7, hour=7,late=true", types) == {"origin": "7", "hour": 7, "late": True}
    for text, what in (("hour=noon", "'noon' is no int64"), ("late=1", "'1' is no bool"), ("JFK", "is not KEY=VALUE")):
        with pytest.raises(GroundplanError, match=what):
            parse_entity(text, types)


def deployed(desk: Desk) -> Path:
    """A stack with a state and a data folder of its own."""
    ensure_settings(desk.opened)
    desk.opened.state.parent.mkdir(parents=True)
    desk.opened.state.write_text(json.dumps({"checkpoint": {"latest": {"resources": [{"type": "x"}]}}}))
    return owned(desk, str(stack_id(desk.opened)))


def owned(desk: Desk, id: str) -> Path:
    data = desk.files.root / ".groundplan/local"
    data.mkdir(parents=True)
    (data / OWNER).write_text(json.dumps({"stack_id": id, "stack": "local", "root": str(desk.files.root)}))
    return data


def test_down_without_a_deployment_says_so(desk: Desk) -> None:
    said = desk.command("down")
    assert (said.code, said.out) == (0, "local: nothing is deployed\n")
    assert desk.calls() == []


def test_down_destroys_and_says_what_it_kept(desk: Desk) -> None:
    data = deployed(desk)
    said = desk.command("down")
    assert said.code == 0
    assert desk.calls() == ["destroy --yes --stack local"]
    assert f"kept the data in {data}" in said.out
    assert data.exists()


def test_a_purge_needs_yes_where_nobody_can_be_asked(desk: Desk) -> None:
    data = deployed(desk)
    said = desk.command("down", "--purge")
    assert said.code == 1
    assert "fix: say so with --yes" in said.err
    assert desk.calls() == []
    assert data.exists()


def test_a_purge_leaves_no_file(desk: Desk) -> None:
    before = {p for p in desk.files.root.rglob("*") if ".groundplan" not in p.parts}
    deployed(desk)
    assert desk.command("down", "--purge", "--yes").code == 0
    assert set(desk.files.root.rglob("*")) == before


def test_a_purge_keeps_what_another_stack_of_the_checkout_has(desk: Desk) -> None:
    deployed(desk)
    other = desk.opened.state.with_name("other.json")
    other.write_text("{}")
    assert desk.command("down", "--purge", "--yes").code == 0
    assert other.exists()
    assert desk.opened.passphrase.exists()
    assert not desk.opened.state.exists()


def test_a_purge_never_removes_another_stacks_data(desk: Desk) -> None:
    data = owned(desk, str(uuid.uuid4()))
    said = desk.command("down", "--purge", "--yes")
    assert said.code == 1
    assert "not removed" in said.err
    assert data.exists()


def test_a_purge_works_without_the_passphrase(desk: Desk) -> None:
    deployed(desk)
    desk.opened.passphrase.unlink()
    assert desk.command("down").code == 1
    assert desk.command("down", "--purge", "--yes").code == 0
    assert not desk.opened.own.exists()


def test_a_destroy_that_fails_removes_nothing(desk: Desk) -> None:
    data = deployed(desk)
    desk.engine("exit 4")
    assert desk.command("down", "--purge", "--yes").code == 4
    assert data.exists()
