"""A new project works at once."""

from pathlib import Path

import pytest

from groundplan.checks import check_sql
from groundplan.compose import load
from groundplan.errors import SpecError
from groundplan.plan import build_plan
from groundplan.scaffold import add_to_stack, new_project

STACK = "# Kept.\nname: local # here\ntarget: local\nprojects: []\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks/local.yaml").write_text(STACK)
    return tmp_path


def test_it_is_valid_and_plans(root: Path) -> None:
    assert new_project(root, "first_try") == root / "projects/first_try"
    assert add_to_stack(root, "local", "first_try")
    stack, projects = load(root, "local")
    assert check_sql(projects) == []
    kinds = {node.kind for node in build_plan(stack, projects).nodes}
    assert {"Entity", "FeatureView", "Materialization", "Model", "Alias", "ServingApplication", "Gates"} <= kinds
    assert not list((root / "projects").glob(".new-*"))


def test_the_stack_keeps_its_comments_and_a_second_time_changes_nothing(root: Path) -> None:
    assert add_to_stack(root, "local", "a")
    assert (root / "stacks/local.yaml").read_text() == STACK.replace("[]", "[a]")
    assert not add_to_stack(root, "local", "a")
    (root / "stacks/bare.yaml").write_text("name: bare\n")
    assert add_to_stack(root, "bare", "a")


def test_what_is_there_is_never_touched(root: Path) -> None:
    (root / "projects/mine").mkdir(parents=True)
    with pytest.raises(SpecError, match="already there"):
        new_project(root, "mine")
    assert list((root / "projects/mine").iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "", "Upper", "a b", "a__b", "_shared", "x" * 41])
def test_names(root: Path, name: str) -> None:
    with pytest.raises(SpecError, match="no name of a project"):
        new_project(root, name)


def test_an_unknown_environment(root: Path) -> None:
    with pytest.raises(SpecError, match="unknown environment"):
        add_to_stack(root, "prod", "a")
