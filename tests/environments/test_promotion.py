"""dev → staging on one machine: two whole stacks, one pair, by its digest, with its evidence, and no training."""

import json

import pytest

from tests.environments.conftest import model, predicted, value
from tests.support.clone import Clone

#: The first test's seconds count both stacks' start too: on a busy machine that alone takes ten minutes.
pytestmark = pytest.mark.timeout(1800)
REASON = ("--reason", "two days without a complaint")


def test_an_environment_with_a_source_trains_nothing_and_says_what_it_waits_for(clone: Clone) -> None:
    assert model(clone, "dev")["version"] == 1
    waiting = model(clone, "staging")
    assert (waiting["status"], waiting["version"], waiting["versions"]) == ("waiting", None, [])
    assert "groundplan promote flights/delay --from dev --to staging" in waiting["message"]


def test_the_pair_comes_by_its_digest_and_answers_with_the_same_bits(clone: Clone) -> None:
    words = ("promote", "flights/delay", "--from", "dev", "--to", "staging", *REASON, "--json")
    taken = json.loads(clone.groundplan(*words).stdout)
    there = model(clone, "dev")["versions"][0]
    assert taken["digest"] == there["digest"]
    assert (taken["there"], taken["here"], taken["aliases"]["staging"]) == (1, 1, 1)
    here = model(clone, "staging")["versions"]
    assert [(each["digest"], each["source"]["stack"]) for each in here] == [(there["digest"], "dev")]
    assert here[0]["metrics"] == there["metrics"]
    answer = predicted(clone, "staging")
    assert answer["alias"] == "staging", "each environment loads its own alias"
    assert predicted(clone, "dev")["alias"] == "latest"
    assert value(answer) == value(predicted(clone, "dev"))


def test_again_is_the_same_number_and_a_second_up_changes_nothing(clone: Clone) -> None:
    words = ("promote", "flights/delay", "--from", "dev", "--to", "staging", *REASON, "--json")
    assert json.loads(clone.groundplan(*words).stdout)["here"] == 1
    clone.groundplan("up", "staging")
    assert clone.groundplan("preview", "staging").returncode == 0
    assert model(clone, "staging")["version"] == 1


def test_the_next_pair_of_dev_reaches_staging_only_when_it_is_promoted(clone: Clone) -> None:
    clone.edit("projects/flights/training/delay.yaml", r"n_estimators: \d+", "n_estimators: 40")
    clone.groundplan("up", "dev")
    assert predicted(clone, "dev")["model_version"] == 2
    said = clone.groundplan("up", "staging")
    assert "dev has another pair" in said.stderr
    assert predicted(clone, "staging")["model_version"] == 1
    clone.groundplan("promote", "flights/delay", "--from", "dev", "--to", "staging", *REASON)
    assert predicted(clone, "staging")["model_version"] == 2
    assert value(predicted(clone, "staging")) == value(predicted(clone, "dev"))


def test_the_trail_is_whole_and_says_who_why_and_from_where(clone: Clone) -> None:
    clone.groundplan("audit", "verify", "--env", "staging")
    listed = clone.groundplan("audit", "list", "--env", "staging", "--json").stdout
    assert "two days without a complaint" in listed
    clone.groundplan("audit", "rebuild", "--check", "--env", "staging")


def test_a_rollback_goes_back_to_the_pair_that_came_before(clone: Clone) -> None:
    clone.groundplan("rollback", "flights/delay@staging", "--env", "staging", "--reason", "wrong on Sundays")
    assert predicted(clone, "staging")["model_version"] == 1


def test_a_way_that_is_not_declared_is_one_clear_line(clone: Clone) -> None:
    done = clone.groundplan("promote", "flights/delay", "--from", "staging", "--to", "dev", *REASON, ok=False)
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "error: dev trains its own pairs and takes none; fix: add source: {stack: staging} to stacks/dev.yaml, "
        "then groundplan up dev"
    )


def test_a_lost_environment_gets_the_same_pair_again(clone: Clone) -> None:
    before, digest = value(predicted(clone, "dev")), model(clone, "dev")["versions"][-1]["digest"]
    clone.groundplan("down", "staging", "--yes", "--purge")
    clone.groundplan("up", "staging")
    assert model(clone, "staging")["versions"] == []
    taken = json.loads(clone.groundplan("promote", "flights/delay", "--to", "staging", *REASON, "--json").stdout)
    assert (taken["digest"], taken["here"]) == (digest, 1)
    assert value(predicted(clone, "staging")) == before
