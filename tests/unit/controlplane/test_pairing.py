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
