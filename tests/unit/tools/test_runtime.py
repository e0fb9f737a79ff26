from pathlib import Path

import pytest

from groundplan.errors import ToolError
from groundplan.tools import runtime
from tests.unit.tools.conftest import Fake

MAKES_PYTHON = (
    'echo "$@" >> "$CALLS"; mkdir -p "$UV_PROJECT_ENVIRONMENT/bin"; cp /bin/true "$UV_PROJECT_ENVIRONMENT/bin/python"'
)


@pytest.fixture
def root(tmp_path: Path, cache: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with a lock file, and a uv that notes its calls."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "uv.lock").write_text("version = 1")
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))
    use_uv(fake(tmp_path / "uv", MAKES_PYTHON), monkeypatch)
    return folder


def use_uv(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "find_uv", lambda: program)


def calls(root: Path) -> list[str]:
    return (root.parent / "calls").read_text().splitlines()


def test_it_is_made_once_from_the_lock_with_both_extras(root: Path) -> None:
    first, second = runtime.ensure_runtime(root), runtime.ensure_runtime(root)
    assert first == second
    assert len(calls(root)) == 1
    assert {"--frozen", "--no-install-project", "--no-dev", "local", "runtime"} <= set(calls(root)[0].split())


def test_another_lock_is_another_environment(root: Path) -> None:
    first = runtime.ensure_runtime(root)
    (root / "uv.lock").write_text("version = 2")
    assert runtime.ensure_runtime(root) != first
    assert first.exists()


@pytest.mark.parametrize("flaw", ["never finished", "its python is gone"])
def test_a_broken_one_is_made_anew(root: Path, flaw: str) -> None:
    python = runtime.ensure_runtime(root)
    (python if flaw == "its python is gone" else python.parents[1] / runtime.MARKER).unlink()
    assert runtime.ensure_runtime(root) == python
    assert python.exists()
    assert len(calls(root)) == 2


def test_a_failure_is_one_line_with_the_reason_and_the_log(
    root: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_uv(fake(root.parent / "uv2", "echo Resolving; echo 'error: no space left' >&2; exit 2"), monkeypatch)
    with pytest.raises(ToolError, match=r"error: no space left; all of it: .*\.log$"):
        runtime.ensure_runtime(root)


def test_a_missing_lock_is_named(tmp_path: Path, cache: Path) -> None:
    with pytest.raises(ToolError, match=r"uv\.lock: missing"):
        runtime.ensure_runtime(tmp_path)
