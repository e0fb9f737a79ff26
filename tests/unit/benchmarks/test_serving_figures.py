"""The arithmetic of ``benchmarks/serving``: what it says of known numbers, and that it can't flatter."""

import math
import statistics

import pytest
from benchmarks.serving.figures import Goal, Hit, median_of, percentile, ratios, since_intended, table, throughput
from benchmarks.serving.vegeta import hits
from hypothesis import given
from hypothesis import strategies as st

FINITE = st.floats(0, 1e6, allow_nan=False)


def test_percentiles_by_hand() -> None:
    values = [float(each) for each in range(1, 101)]
    assert [percentile(values, p) for p in (1, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7.0], 99) == 7.0
    assert math.isnan(percentile([], 50))


@given(st.lists(FINITE, min_size=1), st.floats(0.1, 100))
def test_a_percentile_is_one_of_the_values_and_bounds_its_share(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) >= percent / 100 * len(values) - 1e-6
    assert sum(value < found for value in values) <= percent / 100 * len(values)


@given(st.lists(FINITE, min_size=1))
def test_the_middle_lies_between_the_medians(values: list[float]) -> None:
    assert statistics.median_low(values) == percentile(values, 50)


def test_latency_counts_from_when_a_request_was_due() -> None:
    """A server that stalls a second: the request that the generator could not send in time bears the wait."""
    sent = [Hit(0, 0.0, 1.0, True), Hit(1, 1.0, 0.01, True), Hit(2, 1.01, 0.01, True)]
    assert since_intended(sent, rate=10) == pytest.approx([1.0, 0.91, 0.82])
    assert since_intended([Hit(3, 0.3, 0.02, True)], rate=10) == pytest.approx([0.02])


def test_throughput_counts_good_answers_until_the_last_one() -> None:
    answered = [Hit(n, n / 10, 0.1, n != 3) for n in range(10)]
    assert throughput(answered) == pytest.approx(9 / 1.0)
    assert throughput([Hit(0, 0.0, 1.0, False)]) == 0


def test_medians_ratios_and_goals() -> None:
    rounds = {"ours": [{"rps": 30.0}, {"rps": 10.0}, {"rps": 20.0}], "a": [{"rps": 5.0}], "b": [{"rps": 8.0}]}
    found = {name: median_of(each) for name, each in rounds.items()}
    assert ratios(found, "ours", "rps") == {"a": 4.0, "b": 2.5}
    assert Goal("ours", ("a", "b"), 2).of(found, "rps") == 2.5
    assert Goal("ours", ("missing",), 2).of(found, "rps") is None
    assert Goal("missing", ("a",), 2).of(found, "rps") is None


def test_the_generators_rows() -> None:
    """Vegeta's CSV: timestamp and latency in nanoseconds; anything but 200 is no answer."""
    text = "1000500,503,2000,0,0,bad,,,1,POST,u,\n1000000,200,1000000000,0,0,,,,0,POST,u,\n"
    assert hits(text) == [Hit(0, 0.0, 1.0, True), Hit(1, 5e-7, 2e-6, False)]
    assert hits("") == []


def test_a_table_is_markdown() -> None:
    assert table([{"a": 1}], ["a", "b"]) == "| a | b |\n| --- | --- |\n| 1 |  |"
