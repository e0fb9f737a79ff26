"""``groundplan cost``: to people, to programs, against a commit and against the last `up`."""

import json
import subprocess

from groundplan.cli._checkout import Checkout
from groundplan.compose import load
from groundplan.cost import bill_of
from groundplan.plan import build_plan
from tests.unit.cli.conftest import Desk
from tests.unit.cost.conftest import AWS


def git(desk: Desk, *words: str) -> None:
    settings = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *settings, *words], cwd=desk.files.root, check=True, capture_output=True)


def test_a_stack_on_this_machine_costs_nothing_here(desk: Desk) -> None:
    said = desk.command("cost")
    assert said.code == 0
    assert said.out == "local (target local) runs on machines that nobody bills here: nothing to estimate\n"


def test_it_says_that_it_is_an_estimate_of_what_date_and_what_is_not_in_it(desk: Desk) -> None:
    desk.files.write("stacks/prod.yaml", AWS)
    said = desk.command("cost", "prod")
    assert said.code == 0
    assert "an estimate from list prices of 2026-" in said.out
    assert "in us-east-1" in said.out
    assert "not in it: taxes" in said.out
    assert "change since" not in said.out


def test_against_a_commit_it_shows_what_a_change_adds(desk: Desk) -> None:
    desk.files.write("stacks/prod.yaml", AWS)
    git(desk, "init")
    git(desk, "add", ".")
    git(desk, "commit", "-m", "first")
    desk.files.edit("stacks/prod.yaml", "min: 2", "min: 3")
    document = json.loads(desk.command("cost", "prod", "--against", "HEAD", "--json").out)
    node = 730 * 0.2016 + 80 * 0.08
    assert document["change"]["since"] == "HEAD"
    assert document["change"]["usd_per_month"] == {"high": round(node, 2), "low": round(node, 2)}
    assert list(document["change"]["by_component"]) == ["nodes general"]
    assert document["estimate"] is True
    assert document["prices"]["date"]
    people = desk.command("cost", "prod", "--against", "HEAD").out
    assert f"change since HEAD: +{node:,.2f}" in people


def test_an_unknown_commit_is_one_line(desk: Desk) -> None:
    git(desk, "init")
    said = desk.command("cost", "--against", "nowhere")
    assert said.code == 1
    assert said.err.startswith("error: --against nowhere: ")
    assert said.err.count("\n") == 1


def test_against_the_last_up(desk: Desk) -> None:
    desk.files.write("stacks/prod.yaml", AWS)
    stack, projects = load(desk.files.root, "prod")
    outputs = {"endpoints": {}, "bill": bill_of(stack, build_plan(stack, projects)).to_dict()}
    state = Checkout(desk.files.root, "prod").state
    state.parent.mkdir(parents=True)
    resources = [{"type": "pulumi:pulumi:Stack", "outputs": outputs}]
    state.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    assert "change since the last up: none" in desk.command("cost", "prod").out
    desk.files.edit("stacks/prod.yaml", "multi_az: true", "multi_az: false")
    assert "change since the last up: -" in desk.command("cost", "prod").out
