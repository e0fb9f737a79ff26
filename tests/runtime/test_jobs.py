"""Jobs as processes would run them, on plain files: results, users' mistakes, and the same again."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from groundplan_runtime.jobs.run import main

CSV = "origin,hour,delay\nJFK,2013-01-01T10:00:00Z,5\nJFK,2013-01-01T11:00:00Z,NA\n"
FIELDS = {"origin": "string", "hour": "timestamp", "delay": "int64"}
CODE = {
    "data/x.csv": CSV,
    "views/good.sql": "SELECT origin, hour, delay * 2.0 AS twice FROM flights",
    "views/bad.sql": "SELECT origin, hour, delai AS twice FROM flights",
    "views/py.py": "def build(inputs):\n  return inputs['flights'].eval('twice = delay * 2.0').drop(columns='delay')\n",
}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    (tmp_path / "runtime.json").write_text(
        json.dumps(
            {k: str(tmp_path) for k in ("stack", "stack_id", "data_dir", "bucket", "secrets_dir")} | {"endpoints": {}}
        )
    )
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(tmp_path / "runtime.json"))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in CODE.items():
            archive.writestr(name, text)
    (tmp_path / "code.zip").write_bytes(buffer.getvalue())

    def made(job: str, properties: dict[str, Any], **more: Any) -> tuple[int, dict[str, Any]]:
        document = {
            "job": job, "project": "p", "name": "it", "digest": "d", "properties": properties,
            "code_uri": str(tmp_path / "code.zip"), "result_uri": str(tmp_path / "results" / "r.json"),
        }  # fmt: skip
        monkeypatch.setenv("GROUNDPLAN_JOB", json.dumps(document | more))
        code = main()
        return code, json.loads((tmp_path / "results" / "r.json").read_text())

    made.folder = tmp_path  # type: ignore[attr-defined]
    return made


def _raw(run: Any) -> dict[str, Any]:
    uri = str(run.folder / "raw.parquet")
    code, result = run("ingest", {"kind": "csv", "path": "data/x.csv", "fields": FIELDS}, output_uri=uri)
    assert (code, result["rows"], result["columns"]) == (0, 2, 3)
    return {"inputs": {"flights": {"uri": uri}}, "entities": {"origin": {"join_key": "origin", "type": "string"}}}


def test_ingest_casts_and_says_what_it_read(run: Any) -> None:
    _raw(run)
    table = pq.read_table(run.folder / "raw.parquet")
    assert table["delay"].to_pylist() == [5, None]
    assert str(table.schema.field("hour").type) == "timestamp[us, tz=UTC]"


@pytest.mark.parametrize("how", [{"sql": "views/good.sql"}, {"python": "views/py.py:build"}])
def test_sql_and_python_make_the_same_view(run: Any, how: dict[str, str]) -> None:
    view = {"timestamp": "hour", "fields": {"twice": "float64"}} | how
    output = str(run.folder / "features" / "v.parquet")
    code, result = run("features", view, output_uri=output, **_raw(run))
    assert code == 0
    assert result == {
        "rows": 2, "columns": 3, "min_timestamp": "2013-01-01T10:00:00Z", "max_timestamp": "2013-01-01T11:00:00Z"
    }  # fmt: skip
    assert pq.read_table(output).to_pydict()["twice"] == [10.0, None]


def test_a_users_mistake_is_the_result(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    view = {"timestamp": "hour", "fields": {"twice": "float64"}, "sql": "views/bad.sql"}
    code, result = run("features", view, output_uri=str(run.folder / "v.parquet"), **_raw(run))
    assert code == 1
    assert result["error"]["path"] == "views/bad.sql"
    assert "delai" in result["error"]["what"]
    assert "GROUNDPLAN failed: views/bad.sql" in capsys.readouterr().out
    assert not (run.folder / "v.parquet").exists()


def test_an_unknown_job_is_named(run: Any) -> None:
    code, result = run("dance", {})
    assert (code, result["error"]["allowed"]) == (1, "ingest, features, materialize, train, skew, shadow, evaluate")
