"""Every SQL statement is bound against its declared inputs, without data, files or network."""

from pathlib import Path

import pytest
from tests.support.checkout import Checkout

from groundplan.checks import check_sql
from groundplan.compose import load
from groundplan.errors import Problem

RECENT, EXAMPLES = "projects/shop/features/recent.sql", "projects/shop/training/examples.sql"


def checked(checkout: Checkout) -> list[Problem]:
    return check_sql(load(checkout.root, "local")[1])


def test_a_good_project_has_no_problem(checkout: Checkout) -> None:
    assert checked(checkout) == []


@pytest.mark.parametrize(
    ("sql", "line", "says"),
    [
        ("select customer,\n  nope as x\nfrom orders", 2, ("nope", "not found")),
        ("select *\nfrom ordrs", 2, ("no such table", "its inputs: orders", "did you mean orders?")),
        ("-- é\nselect customer,\n  foo(amount) from orders", 3, ("foo",)),
        ("select customer\nfrom orders\nwhere", 3, ("syntax error",)),
        ("select * from read_csv('/etc/passwd')", 1, ("disabled by configuration",)),
        ("select * from '/etc/passwd'", 1, ("no such table",)),
        ("select 1; select 2", None, ("one SELECT", "SELECT, SELECT")),
        ("drop table orders", None, ("one SELECT", "got DROP")),
        ("copy orders to '/tmp/x.csv'", None, ("one SELECT", "got COPY")),
        ("-- nothing\n", None, ("one SELECT", "got none")),
    ],
)
def test_what_does_not_bind_is_one_line(checkout: Checkout, sql: str, line: int | None, says: tuple[str, ...]) -> None:
    checkout.write(RECENT, sql)
    (problem,) = checked(checkout)
    assert (problem.file, problem.line, problem.path) == (RECENT, line, "feature_views.recent")
    assert all(text in str(problem) for text in says), str(problem)
    assert "\n" not in str(problem)


def test_every_declared_column_with_its_type(checkout: Checkout) -> None:
    checkout.write(RECENT, "select 1 as customer, amount as mean_amount, 'x' as orders from orders")
    told = [str(problem) for problem in checked(checkout)]
    assert len(told) == 3
    assert any("customer" in text and "got INTEGER" in text and "allowed: string" in text for text in told)
    assert any("event_timestamp" in text and "does not return" in text for text in told)
    assert any("cast(orders as BIGINT)" in text for text in told)


def test_whole_numbers_of_any_width_fit(checkout: Checkout) -> None:
    sums = "1.5 as mean_amount, sum(1::bigint) as orders"
    checkout.write(RECENT, f"select customer, ordered_at as event_timestamp, {sums} from orders group by all")
    assert checked(checkout) == []


def test_examples_need_keys_timestamp_and_a_number(checkout: Checkout) -> None:
    checkout.write(EXAMPLES, "select ordered_at::varchar as event_timestamp, customer as amount from orders")
    told = [str(problem) for problem in checked(checkout)]
    assert len(told) == 3
    assert all(text.startswith(f"{EXAMPLES}: training.spend.examples") for text in told)


def test_a_view_reads_another_view(checkout: Checkout) -> None:
    checkout.edit("projects/shop/project.yaml", "python: features/trend.py:build", "sql: features/trend.sql")
    sql = "select customer, event_timestamp, mean_amount / orders as slope from recent"
    checkout.write("projects/shop/features/trend.sql", sql)
    assert checked(checkout) == []
    checkout.write("projects/shop/features/trend.sql", sql.replace("orders", "nothing"))
    assert "nothing" in str(checked(checkout)[0])


def test_variables_of_this_process_are_no_tables(checkout: Checkout, tmp_path: Path) -> None:
    checkout.write(RECENT, "select * from tmp_path")
    assert "no such table" in str(checked(checkout)[0])
