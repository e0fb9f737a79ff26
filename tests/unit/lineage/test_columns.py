"""Which columns a statement's columns are made of, clause by clause."""

import pytest

from groundplan.lineage import columns_of_sql

TABLES = {
    "t": {"a": "string", "b": "int64", "c": "float64", "at": "timestamp"},
    "u": {"a": "string", "d": "int64"},
}


def read(sql: str) -> tuple[dict[str, str], str]:
    """The columns of a statement as short text: {"x": "t.a t.b"}, and those that decide over all."""
    found = columns_of_sql(sql, TABLES)
    assert found is not None, sql

    def short(columns: object) -> str:
        return " ".join(sorted(f"{table}.{column}" for table, column in columns))  # type: ignore[attr-defined]

    return {name: short(columns) for name, columns in found.direct.items()}, short(found.everywhere)


@pytest.mark.parametrize(
    ("sql", "direct", "everywhere"),
    [
        ("SELECT a, b + c AS x FROM t", {"a": "t.a", "x": "t.b t.c"}, ""),
        ("SELECT * FROM u", {"a": "u.a", "d": "u.d"}, ""),
        ("FROM u", {"a": "u.a", "d": "u.d"}, ""),
        ("SELECT b AS x, x + 1 AS y FROM t", {"x": "t.b", "y": "t.b"}, ""),
        ("SELECT a FROM t WHERE c > 1", {"a": "t.a"}, "t.c"),
        ("SELECT t.a, d FROM t JOIN u USING (a)", {"a": "t.a", "d": "u.d"}, "t.a u.a"),
        ("SELECT t.a FROM t ASOF JOIN u ON t.a = u.a AND t.b >= u.d", {"a": "t.a"}, "t.a t.b u.a u.d"),
        ("SELECT a, sum(b) AS s FROM t GROUP BY ALL", {"a": "t.a", "s": "t.b"}, "t.a"),
        ("SELECT a, sum(b) AS s FROM t GROUP BY a HAVING max(c) > 1", {"a": "t.a", "s": "t.b"}, "t.a t.c"),
        ("SELECT count(*) AS n FROM t", {"n": ""}, ""),
        ("SELECT sum(b) OVER (PARTITION BY a ORDER BY at) AS s FROM t", {"s": "t.a t.at t.b"}, ""),
        ("SELECT sum(b) OVER w AS s FROM t WINDOW w AS (PARTITION BY a)", {"s": "t.b"}, "t.a"),
        ("SELECT a FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY at) = 1", {"a": "t.a"}, "t.a t.at"),
        ("SELECT DISTINCT a FROM t", {"a": "t.a"}, "t.a"),
        ("SELECT a, b FROM t UNION ALL SELECT a, d FROM u", {"a": "t.a u.a", "b": "t.b u.d"}, ""),
        ("SELECT a FROM t EXCEPT SELECT a FROM u", {"a": "t.a u.a"}, "t.a u.a"),
        ("WITH r AS (SELECT a, b * 2 AS x FROM t WHERE c > 0) SELECT x FROM r", {"x": "t.b"}, "t.c"),
        ("SELECT (SELECT max(d) FROM u WHERE u.a = t.a) AS m FROM t", {"m": "t.a u.a u.d"}, "t.a u.a"),
        ("SELECT a FROM t WHERE a IN (SELECT a FROM u)", {"a": "t.a"}, "t.a u.a"),
        ("SELECT unnest([b, c]) AS x FROM t", {"x": "t.b t.c"}, "t.b t.c"),
        (
            "WITH RECURSIVE r AS (SELECT a, b FROM t UNION ALL SELECT a, b + 1 FROM r WHERE b < 3) SELECT b FROM r",
            {"b": "t.b"},
            "t.b",
        ),
    ],
)
def test_columns_are_followed_through_every_clause(sql: str, direct: dict[str, str], everywhere: str) -> None:
    assert read(sql) == (direct, everywhere)


@pytest.mark.parametrize(
    "sql", ["not sql ((", "SELECT nope FROM t", "SELECT a FROM elsewhere", "PIVOT t ON a USING sum(b)"]
)
def test_what_is_not_understood_is_said_so(sql: str) -> None:
    assert columns_of_sql(sql, TABLES) is None
