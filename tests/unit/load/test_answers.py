"""The checks of the load test, on answers made by hand: each of them can fail."""

import math

import pytest

from tests.load.answers import Answer, Flip, Rival, answer_of, halves_of, not_asked_for, percentile

FLIP = Flip("a move", old=1, new=3, asked=10.0, moved=12.0, done=13.0, warm=True)


def answer(sent: float, received: float, version: int) -> Answer:
    """A whole answer of a version."""
    return Answer(sent, received, 200, (value(version, version),) * 2, version, version)


def value(preprocessor: int, model: int) -> float:
    """What these two halves make."""
    return 1000.0 * model + 100 - preprocessor


@pytest.mark.parametrize(("preprocessor", "model"), [(1, 1), (1, 2), (2, 1), (99, 7)])
def test_a_value_tells_its_halves(preprocessor: int, model: int) -> None:
    assert halves_of(value(preprocessor, model)) == (preprocessor, model)


def test_a_whole_answer_is_not_mixed() -> None:
    body = {"predictions": [{"value": value(2, 2)}] * 2, "preprocessor_version": 2, "model_version": 2}
    assert not answer_of(0, 1, 200, body).mixed


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ([value(1, 2)], (2, 2)),
        ([value(1, 2)], (1, 2)),
        ([value(1, 1)], (2, 2)),
        ([value(1, 1), value(2, 2)], (1, 1)),
        ([1099.5], (1, 1)),
    ],
    ids=["hidden", "said", "another", "within-a-batch", "no-pair"],
)
def test_what_is_mixed_is_caught(values: list[float], named: tuple[int, int]) -> None:
    assert Answer(0, 1, 200, tuple(values), *named).mixed


def test_a_failed_request_is_no_answer() -> None:
    failed = answer_of(0, 1, 503, "ModelService is down")
    assert not failed.ok
    assert not failed.mixed
    assert failed.version is None


@pytest.mark.parametrize(
    ("answers", "wrong"),
    [
        ([answer(1, 2, 1), answer(11, 12, 1), answer(11, 12, 3), answer(14, 15, 3)], []),
        ([answer(9, 11, 3), answer(12, 14, 1)], []),
        ([answer(1, 2, 3)], [0]),
        ([answer(14, 15, 1)], [0]),
        ([answer(11, 12, 2)], [0]),
    ],
    ids=["as-asked", "under-way", "too-early", "too-late", "never"],
)
def test_a_version_that_was_not_asked_for_is_found(answers: list[Answer], wrong: list[int]) -> None:
    assert not_asked_for(answers, [FLIP], first=1) == [answers[position] for position in wrong]


def test_a_flip_lasts_until_the_last_old_answer() -> None:
    answers = [answer(9, 10.4, 1), answer(10.5, 10.7, 1), answer(10.6, 10.9, 3), answer(1, 2, 1)]
    assert FLIP.seconds(answers) == pytest.approx(0.7)
    assert FLIP.seconds([]) == 0


def test_percentile_is_one_of_the_values() -> None:
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([5.0], 0.99) == 5
    assert math.isnan(percentile([], 0.99))


def test_a_rival_has_flipped_when_its_last_old_or_mixed_answer_came() -> None:
    back = Flip("back", old=3, new=1, asked=20.0, moved=20.5, done=21.0, warm=True)
    mixed = Answer(14.0, 15.5, 200, (value(1, 3),) * 2, 3, 3)
    answers = [answer(9, 11, 1), answer(11, 12, 3), mixed, answer(16, 17, 3), answer(20, 23, 3), answer(23, 24, 1)]
    rival = Rival(answers, [FLIP, back])
    assert rival.flip_seconds() == pytest.approx((5.5 + 3.0) / 2)
