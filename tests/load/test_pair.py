"""`make load-pair`: pairs never mix under promotions, rollbacks, kills, scaling and restarts (docs/load-pair.md).

First the same load is put on the same pairs behind tiers that load by alias: there, the same check must find mixing.
"""

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from tests.load.answers import Answer, Rival, not_asked_for
from tests.load.figures import Figures
from tests.load.generator import Load
from tests.load.stage import Stage, opened
from tests.load.story import REST, WANTED, WORKERS, Record, live_through

pytestmark = pytest.mark.timeout(2400)  # 8 minutes on a machine of its own
FAILED_SHARE = 0.001
#: Of the time that tiers which load by alias take, in the same run. (The goal is a second; the table has the figures.)
FLIP_SHARE = 1 / 3
#: The goal is 1.5 (the table has the figures); two cores that also run the load are noisier than that.
FLIP_P99 = 2.5


@pytest.fixture(scope="module")
def kept(pytestconfig: pytest.Config) -> Path:
    """The folder in which every answer of the last run is kept, a JSON line each."""
    assert pytestconfig.cache is not None
    return pytestconfig.cache.mkdir("load-pair")


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A local stack of its own with pair version 1; all of it is stopped at the end, whatever happened."""
    with opened(tmp_path_factory.mktemp("load-pair") / "clone") as stage:
        yield stage


@pytest.fixture(scope="module")
def by_alias(stage: Stage, kept: Path, shown: list[str]) -> Rival:
    """Tiers that load by alias, over one rollback (from version 2, which an `up` makes) and back."""
    stage.declare_version(2)
    stage.up()
    flips = []
    with stage.rival() as url, Load(url, {}, WORKERS) as load:
        for version, what in ((1, "rollback"), (2, "back again"), (1, "rollback")):
            load.further(REST)
            flips.append(stage.move(version, what, warm=True))
            load.until_version(version)
    rival = Rival(load.answers, flips)
    keep(load.answers, kept / "by_alias.jsonl")
    mixed = sum(answer.mixed for answer in load.answers)
    shown.append(f"{'loading by alias: mixed':<44}{mixed:>9} of {len(load.answers):,}")
    shown.append(f"{'loading by alias: flip':<44}{1000 * rival.flip_seconds():>9.0f} ms from the command")
    return rival


@pytest.fixture(scope="module")
def figures(by_alias: Rival, stage: Stage, kept: Path, shown: list[str]) -> Figures:
    """Ours, through everything."""
    found = Figures(Record(first=1))
    try:
        live_through(stage, found.record)
    finally:
        keep(found.record.all, kept / "ours.jsonl")
        shown += [*found.table(), f"every answer: {kept}"]
    return found


def keep(answers: list[Answer], path: Path) -> None:
    """Write every answer as a line of JSON."""
    path.write_text("".join(json.dumps(asdict(answer)) + "\n" for answer in answers))


def test_tiers_that_load_by_alias_are_caught_mixing(by_alias: Rival) -> None:
    mixed = [answer for answer in by_alias.answers if answer.mixed]
    assert mixed, f"none of {len(by_alias.answers)} answers is mixed: this check cannot fail"
    assert {answer.status for answer in mixed} == {200}


def test_no_pair_is_mixed(figures: Figures) -> None:
    assert len(figures.record.all) >= WANTED
    assert figures.mixed == []


def test_only_requests_that_hit_a_killed_replica_fail(figures: Figures) -> None:
    assert figures.unexcused == []
    assert len(figures.failed) < FAILED_SHARE * len(figures.record.all), figures.failed


def test_no_version_answers_that_was_not_asked_for(figures: Figures) -> None:
    record = figures.record
    assert not_asked_for(record.all, record.flips, record.first) == []


def test_a_flip_takes_a_third_as_long_as_where_tiers_load_by_alias(figures: Figures, by_alias: Rival) -> None:
    took = {flip: flip.seconds(figures.record.all) for flip in figures.flips}
    # The middle one: this machine also runs the load, and whatever else; the table shows each.
    assert statistics.median(took.values()) < FLIP_SHARE * by_alias.flip_seconds(), took


def test_requests_during_a_flip_are_as_fast_as_ever(figures: Figures) -> None:
    assert figures.flip_p99() <= FLIP_P99 * figures.steady_p99()


def test_in_the_end_every_replica_answers_with_the_same_version(figures: Figures, stage: Stage) -> None:
    record = figures.record
    assert {answer.version for answer in record.afterwards} == {record.serves}
    assert not any(answer.mixed for answer in record.afterwards)
    assert stage.moves()[-1]["to_version"] == record.serves
