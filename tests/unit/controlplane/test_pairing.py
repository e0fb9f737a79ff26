"""Which half of a pair lags, and how many void versions lie between."""

import pytest

from groundplan.controlplane.rules.pairing import Lag, lagging


def test_equal_numbers_are_a_whole_pair() -> None:
    assert lagging({"m_preprocessor": 4, "m_model": 4}) is None


@pytest.mark.parametrize(
    ("preprocessor", "model", "lag"),
    [
        (1, 2, Lag("m_preprocessor", 1, 2, 0)),
        (5, 2, Lag("m_model", 2, 5, 2)),
    ],
)
def test_the_lower_half_gives_up_its_version_and_climbs(preprocessor: int, model: int, lag: Lag) -> None:
    assert lagging({"m_preprocessor": preprocessor, "m_model": model}) == lag


def test_a_number_that_is_taken_leaves_both_behind() -> None:
    assert lagging({"a": 2, "b": 2}, taken={1, 3}) is None
    first = lagging({"a": 2, "b": 2}, taken={1, 2, 4})
    assert first is not None
    assert (first.version, first.target, first.voids) == (2, 5, 2)
    other = lagging({first.half: 5, ({"a", "b"} - {first.half}).pop(): 2}, taken={1, 2, 4})
    assert other is not None
    assert (other.half != first.half, other.target) == (True, 5)
