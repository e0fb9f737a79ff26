"""Where an alias was, and what it goes back to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from groundplan.controlplane.rules.history import at, earlier

START = datetime(2026, 11, 17, 14, 0, tzinfo=UTC)


def moves(*steps: tuple[int | None, str]) -> list[dict[str, Any]]:
    """Moves a minute apart."""
    times = [START + timedelta(minutes=number) for number in range(len(steps))]
    return [{"to_version": to, "cause": cause, "at": when} for (to, cause), when in zip(steps, times, strict=True)]


def test_what_an_alias_was() -> None:
    told = moves((1, "follow"), (2, "follow"), (None, "delete"), (3, "follow"))
    asked = [START - timedelta(seconds=1), START, START + timedelta(seconds=90), START + timedelta(minutes=2.5)]
    found = [at(told, instant) for instant in asked]
    assert [move and move["to_version"] for move in found] == [None, 1, 2, None]


def test_one_rollback_after_the_other_leads_further_back() -> None:
    one = moves((1, "follow"), (2, "follow"), (3, "follow"))
    assert earlier(one) == [2, 1]
    two = [*one, *moves((2, "rollback"))]
    assert earlier(two) == [1]
    assert earlier([*two, *moves((1, "rollback"))]) == []
    assert earlier([*two, *moves((3, "follow"))]) == [2, 1]


def test_a_pair_under_a_new_number_is_the_same_and_a_deleted_alias_begins_anew() -> None:
    assert earlier(moves((1, "follow"), (2, "follow"), (4, "same_pair"))) == [1]
    assert earlier(moves((1, "follow"), (None, "delete"), (2, "follow"))) == []
    assert earlier([]) == []


@given(st.lists(st.one_of(st.tuples(st.integers(1, 5), st.just("follow")), st.just("back")), max_size=12))
def test_rollbacks_undo_moves_as_a_stack_does(steps: list[Any]) -> None:
    told: list[dict[str, Any]] = []
    stack: list[int] = []
    for step in steps:
        if step != "back" and stack[-1:] == [step[0]]:
            continue  # an alias never moves to where it is
        if step != "back":
            stack.append(step[0])
            told += moves(step)
        elif earlier(told):
            stack.pop()
            assert earlier(told)[0] == stack[-1]
            told += moves((stack[-1], "rollback"))
    assert earlier(told) == stack[-2::-1]
