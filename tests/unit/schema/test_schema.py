"""The schemas checked in are those of the spec, and accept what Hydra accepts."""

import json
from pathlib import Path

import pytest
from check_jsonschema import main
from click.testing import CliRunner, Result
from tests.support.checkout import Checkout

from groundplan import schema
from groundplan.scaffold import new_project

ROOT = Path(__file__).resolve().parents[3]


def accepts(name: str, *files: Path) -> Result:
    """What ``check-jsonschema`` says, as editors and hooks ask it."""
    return CliRunner().invoke(main, ["--schemafile", str(ROOT / "schemas" / name), *map(str, files)])


def test_the_schemas_checked_in_are_current() -> None:
    assert not schema.is_stale(ROOT), "run: groundplan schema --write"


def test_a_change_is_seen(tmp_path: Path) -> None:
    assert schema.is_stale(tmp_path)
    project = schema.write(tmp_path)[0]
    assert not schema.is_stale(tmp_path)
    project.write_text(project.read_text().replace("join_key", "key"))
    assert schema.is_stale(tmp_path)


def test_what_is_in_the_repository_is_accepted(tmp_path: Path) -> None:
    stacks = [p for p in (ROOT / "stacks").glob("*.yaml") if not p.name.startswith("Pulumi.")]
    done = accepts("stack.json", *stacks)
    assert done.exit_code == 0, done.output
    new = new_project(tmp_path, "fresh") / "project.yaml"
    done = accepts("project.json", *(ROOT / "projects").glob("*/project.yaml"), new)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("group", schema.GROUPS)
def test_the_groups_of_the_projects_are_accepted(group: str) -> None:
    template = ROOT / "platform/groundplan/scaffold/template"
    files = [*(ROOT / "projects").glob(f"*/{group}/*.yaml"), *template.glob(f"{group}/*.yaml")]
    assert files
    done = accepts(f"{group}.json", *files)
    assert done.exit_code == 0, done.output


def test_defaults_interpolations_and_values_given_later_are_accepted(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    file = "projects/shop/project.yaml"
    checkout.edit(file, "ttl: 28d", "ttl: ${shop.ttl}")
    checkout.edit(file, "    ttl: 7d", "    ttl: ???\n    online: ${online}")
    checkout.edit(file, "{replicas: 2, cpus: 0.5}", "'${large}'")
    assert accepts("project.json", tmp_path / file).exit_code == 0


@pytest.mark.parametrize(("old", "new"), [("team: core", "teem: core"), ("float64}", "double}"), ("ttl: 7d", "ttl: 7")])
def test_mistakes_are_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "project.yaml"
    path.write_text(Checkout(tmp_path / "c").root.joinpath("projects/shop/project.yaml").read_text().replace(old, new))
    assert accepts("project.json", path).exit_code == 1


def test_a_mistake_in_a_group_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("spend: {kind: magic}\n")
    assert accepts("training.json", path).exit_code == 1


def test_they_are_json_schemas() -> None:
    for text in schema.documents().values():
        assert json.loads(text)["$schema"].endswith("2020-12/schema")
