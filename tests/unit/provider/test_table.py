"""The table of ML types against the plan, and the schema made from it."""

import hashlib
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from groundplan.plan import KINDS as PLAN_KINDS
from groundplan.plan import digest_of
from groundplan.provider.handler import Context
from groundplan.provider.ml import MLHandler
from groundplan.provider.project import archive, code_digest
from groundplan.provider.registry import handlers
from groundplan.provider.schema import VERSION, schema_json
from groundplan.provider.table import COMMON, KINDS

ROOT = Path(__file__).resolve().parents[3]
CONTEXT = Context("urn", "x", False, print, print, {})
ENTITY: dict[str, Any] = {
    **{"project": "p", "name": "origin", "digest": "d", "data_digest": "d", "upstream": {}},
    **{"join_key": "origin", "type": "string"},
}


def test_every_kind_of_the_plan_is_there_with_its_slug() -> None:
    assert {name: kind.slug for name, kind in KINDS.items()} == PLAN_KINDS


def test_no_name_is_input_and_output_at_once() -> None:
    for kind in KINDS.values():
        assert not kind.inputs.keys() & kind.outputs.keys() - {"version"}, kind.name
    assert "version" not in KINDS["Alias"].outputs


def test_the_schema_names_every_type_that_is_driven_and_all_their_properties() -> None:
    schema = json.loads(schema_json())
    assert schema["resources"].keys() == {handler.token for handler in handlers()}
    for handler in handlers():
        resource = schema["resources"][handler.token]
        assert handler.outputs <= resource["properties"].keys(), handler.token
        assert not handler.outputs & resource["inputProperties"].keys(), handler.token
        secret = {name for name, prop in resource["properties"].items() if prop.get("secret")}
        assert secret == handler.secret_outputs, handler.token


def test_the_version_is_the_packages() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize(
    ("change", "property", "words"),
    [
        ({"joinkey": "x"}, "joinkey", "did you mean join_key?"),
        ({"join_key": None}, "join_key", "missing"),
        ({"join_key": 7}, "join_key", "got 7; allowed: text"),
        ({"upstream": []}, "upstream", "allowed: map"),
        ({"type": True}, "type", "got True"),
    ],
)
def test_bad_input_is_told_property_by_property(change: dict[str, Any], property: str, words: str) -> None:
    _, failures = MLHandler(KINDS["Entity"]).check({**ENTITY, **change}, CONTEXT)
    assert [failure.property for failure in failures] == [property]
    assert words in failures[0].reason


def test_good_input_passes() -> None:
    assert MLHandler(KINDS["Entity"]).check(ENTITY, CONTEXT) == (ENTITY, [])
    assert COMMON.keys() <= ENTITY.keys()


def test_the_digest_of_code_is_the_plans() -> None:
    code = {"b.sql": "ü", "a.py": "1"}
    assert code_digest(code) == digest_of(code)


def test_an_archive_is_the_same_bytes_for_the_same_files(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("select 1")
    code = {"a.sql": hashlib.sha256(b"select 1").hexdigest()}
    assert archive(tmp_path, code) == archive(tmp_path, code)


@pytest.mark.parametrize(("content", "words"), [("select 2", "changed while"), (None, "cannot be read")])
def test_a_file_that_is_not_as_planned_is_refused(tmp_path: Path, content: str | None, words: str) -> None:
    if content:
        (tmp_path / "a.sql").write_text(content)
    with pytest.raises(Exception, match=words):
        archive(tmp_path, {"a.sql": hashlib.sha256(b"select 1").hexdigest()})
