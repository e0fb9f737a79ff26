"""A project's code: unpacked safely, called with errors that name their line."""

import io
import sys
import zipfile
from pathlib import Path

import pytest

from groundplan_runtime import project_code
from groundplan_runtime.errors import RuntimeProblem


@pytest.fixture
def code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    def made(**files: str) -> str:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            for name, text in files.items():
                archive.writestr(name.replace("__", "/").replace("_py", ".py"), text)
        monkeypatch.setattr(project_code.storage, "read_bytes", lambda _: buffer.getvalue())
        return "s3://bucket/code.zip"

    return made


def test_a_function_imports_what_lies_beside_it_and_only_while_it_is_unpacked(code) -> None:  # type: ignore[no-untyped-def]
    uri = code(
        features__x_py="import beside_x\ndef build(n): return beside_x.DOUBLE * n", features__beside_x_py="DOUBLE = 2"
    )
    with project_code.unpacked(uri) as root:
        assert project_code.function(root, "features/x.py:build")(21) == 42
    assert not root.exists()
    assert str(root) not in sys.path
    assert str(root / "features") not in sys.path


def test_an_error_in_it_is_one_line_that_names_the_line(code) -> None:  # type: ignore[no-untyped-def]
    uri = code(bad_py="def build():\n    x = 1\n    raise KeyError('origin')\n")
    with (
        project_code.unpacked(uri) as root,
        pytest.raises(RuntimeProblem, match=r"bad\.py:build, line 3: KeyError: 'origin'"),
    ):
        project_code.function(root, "bad.py:build")()


@pytest.mark.parametrize(("reference", "word"), [("no.py:f", "no such file"), ("x.py:g", "no such function")])
def test_what_is_not_there_is_named(code, reference: str, word: str) -> None:  # type: ignore[no-untyped-def]
    with project_code.unpacked(code(x_py="def f(): ...")) as root, pytest.raises(RuntimeProblem, match=word):
        project_code.function(root, reference)


def test_a_zip_that_leads_out_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.py", "x = 1")
    monkeypatch.setattr(project_code.storage, "read_bytes", lambda _: buffer.getvalue())
    with pytest.raises(RuntimeProblem, match="leads out"), project_code.unpacked("s3://b/c.zip"):
        pass


def test_a_file_outside_is_not_read(code) -> None:  # type: ignore[no-untyped-def]
    with project_code.unpacked(code(x_py="")) as root, pytest.raises(RuntimeProblem, match="no such file"):
        project_code.text(root, "../../../../etc/passwd")
