"""The runtime file: what is read, what is exported, what is refused."""

import json
import pickle
from pathlib import Path

import pytest

from groundplan_runtime.config import Runtime
from groundplan_runtime.errors import RuntimeProblem


@pytest.fixture
def document(tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    for name in ("pgpass", "aws-credentials", "ray-token"):
        (secrets / name).write_text(f"{name}-text\n")
    path = tmp_path / "runtime.json"
    path.write_text(
        json.dumps(
            {
                "stack": "local", "stack_id": "x", "data_dir": "/d", "bucket": "b", "secrets_dir": str(secrets),
                "endpoints": {"mlflow": "http://127.0.0.1:1", "objects": "http://127.0.0.1:2"},
            }
        )
    )  # fmt: skip
    return path


def test_environment_names_files_and_never_holds_a_secret(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GROUNDPLAN_RUNTIME", str(document))
    runtime = Runtime.load()
    found = runtime.environment()
    assert found["MLFLOW_TRACKING_URI"] == "http://127.0.0.1:1"
    assert found["AWS_ENDPOINT_URL_S3"] == "http://127.0.0.1:2"
    assert found["RAY_AUTH_MODE"] == "token"
    assert Path(found["PGPASSFILE"]).read_text() == "pgpass-text\n"
    assert not any("-text" in value for value in found.values())
    assert runtime.secret("ray-token") == "ray-token-text"


def test_no_object_store_and_no_token_set_nothing(document: Path) -> None:
    changed = json.loads(document.read_text()) | {"endpoints": {}, "secrets_dir": "/nowhere"}
    document.write_text(json.dumps(changed))
    assert set(Runtime.load(document).environment()) == {"AWS_REGION", "AWS_DEFAULT_REGION"}


@pytest.mark.parametrize(
    ("text", "word"), [("{", "not JSON"), ("[]", "not an object"), ('{"stack": "x"}', "has no stack_id")]
)
def test_a_bad_file_is_one_line(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "r.json").write_text(text)
    with pytest.raises(RuntimeProblem, match=word) as caught:
        Runtime.load(tmp_path / "r.json")
    assert "\n" not in str(caught.value)


def test_unset_unknown_and_missing_are_named(document: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GROUNDPLAN_RUNTIME", raising=False)
    with pytest.raises(RuntimeProblem, match="GROUNDPLAN_RUNTIME: is not set"):
        Runtime.load()
    with pytest.raises(RuntimeProblem, match="allowed: mlflow, objects"):
        Runtime.load(document).endpoint("nope")
    with pytest.raises(RuntimeProblem, match="nope: secret cannot be read"):
        Runtime.load(document).secret("nope")


def test_a_problem_survives_a_process_boundary() -> None:
    problem = RuntimeProblem("bad\nthing", path="a.b", value=3, allowed="1, 2", fix="do")
    again = pickle.loads(pickle.dumps(problem))
    assert str(again) == str(problem) == "a.b: bad thing; got 3; allowed: 1, 2; fix: do"
    assert again.as_dict() == problem.as_dict()
