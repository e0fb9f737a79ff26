"""What a shadow would have answered is held against what was answered: the same request, the same row."""

import pyarrow as pa
import pytest

from groundplan_runtime.jobs.shadow import compare


def rows(*given: tuple[str, int, str, str, int, float]) -> pa.Table:
    """The log's columns that are compared."""
    names = ["request_id", "row", "role", "alias", "version", "value"]
    return pa.table(dict(zip(names, map(list, zip(*given, strict=True)), strict=True)))


def test_rows_are_matched_by_request_and_position_whatever_their_order() -> None:
    log = rows(
        ("b", 0, "shadow", "latest", 3, 10.0),
        ("a", 1, "shadow", "latest", 3, 4.0),
        ("a", 0, "answer", "production", 2, 1.0),
        ("a", 0, "shadow", "latest", 3, 1.0),
        ("a", 1, "answer", "production", 2, 6.0),
        ("b", 0, "answer", "staging", 1, 7.0),
        ("c", 0, "answer", "production", 2, 9.0),  # its shadow was left out
        ("d", 0, "shadow", "latest", 3, 9.0),  # its answer is older than the sample
    )
    beside = {each["answered_by"]: each for each in compare(log, 1.0)}
    assert beside[2] == {
        "alias": "latest",
        "version": 3,
        "answered_by": 2,
        "rows": 2,
        "mean_difference": -1.0,
        "mean_absolute": 1.0,
        "largest": 2.0,
        "beyond": 0.5,
    }
    assert (beside[1]["rows"], beside[1]["mean_difference"], beside[1]["beyond"]) == (1, 3.0, 1.0)


@pytest.mark.parametrize(("tolerance", "beyond"), [(0.0, 1.0), (2.0, 0.0), (1.999, 1.0)])
def test_a_difference_as_large_as_the_tolerance_is_within_it(tolerance: float, beyond: float) -> None:
    log = rows(("a", 0, "answer", "production", 2, 1.0), ("a", 0, "shadow", "latest", 3, 3.0))
    assert compare(log, tolerance)[0]["beyond"] == beyond


def test_a_log_without_shadows_says_nothing() -> None:
    assert compare(rows(("a", 0, "answer", "production", 2, 1.0)), 0.0) == []
