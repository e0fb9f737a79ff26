"""A project's SQL reaches its inputs and nothing else."""

from pathlib import Path

import duckdb
import pytest

from groundplan_runtime import sql
from groundplan_runtime.errors import RuntimeProblem


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM read_csv('{file}')",
        "SELECT * FROM '{file}'",
        "COPY (SELECT 1) TO '{file}.out'",
        "ATTACH '{file}.db'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SELECT * FROM statement_of_the_caller",
    ],
)
def test_nothing_outside_is_reached(tmp_path: Path, statement: str) -> None:
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    statement_of_the_caller = [1]  # DuckDB would find a Python variable of that name
    assert statement_of_the_caller
    with pytest.raises(RuntimeProblem):
        sql.run(statement.format(file=file), {}, "x.sql")
    assert [path.name for path in tmp_path.iterdir()] == ["secret.csv"]


def test_the_session_is_in_utc_wherever_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    with sql.connect({}) as connection:
        assert connection.execute("SELECT hour(TIMESTAMPTZ '2013-07-01 10:00:00Z')").fetchone() == (10,)
        here = "hour(TIMESTAMPTZ '2013-07-01 10:00:00Z' AT TIME ZONE 'America/New_York')"
        assert connection.execute(f"SELECT {here}").fetchone() == (6,)


def test_a_mistake_is_one_line_with_its_file() -> None:
    with pytest.raises(RuntimeProblem, match=r"^features/x\.sql: .*nowhere") as caught:
        sql.run("SELECT *\nFROM nowhere", {}, "features/x.sql")
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, duckdb.Error)
