"""Which Pulumi is taken, and what happens to a cache entry that is broken or being made."""

import threading
from pathlib import Path

import pytest

from groundplan.errors import ToolError
from groundplan.tools import pulumi
from tests.unit.tools.conftest import Fake


def install(folder: Path, fake: Fake, version: str = pulumi.PULUMI_PINNED) -> Path:
    fake(folder / "pulumi", f"echo v{version}")
    for name in pulumi.PROGRAMS[1:]:
        fake(folder / name)
    return folder


def never(*_: object) -> None:
    raise AssertionError("must not be asked")


def refuse(*_: object) -> None:
    raise ToolError("not here")


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cache: Path) -> Path:
    """Nothing on the PATH but the system's shell, nothing in the cache; nothing may be got unless a test says how."""
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setattr(pulumi, "download", never)
    monkeypatch.setattr(pulumi, "build", never)
    return cache / "pulumi" / pulumi.PULUMI_PINNED / "bin"


def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def test_one_on_the_path_that_is_new_enough_is_taken(
    bare: Path, tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = on_the_path(install(tmp_path / "bin", fake, "3.300.1"), monkeypatch)
    assert pulumi.ensure_pulumi() == folder


@pytest.mark.parametrize("flaw", ["old", "no host"])
def test_one_that_is_old_or_lacks_its_host_is_not(
    bare: Path,
    tmp_path: Path,
    fake: Fake,
    monkeypatch: pytest.MonkeyPatch,
    flaw: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    folder = on_the_path(install(tmp_path / "bin", fake, "3.249.9" if flaw == "old" else "3.300.0"), monkeypatch)
    if flaw == "no host":
        (folder / "pulumi-language-python").unlink()
    install(bare, fake)
    assert pulumi.ensure_pulumi() == bare
    assert "not used" in capsys.readouterr().err


def test_a_whole_cache_entry_is_used_again(bare: Path, fake: Fake) -> None:
    install(bare, fake)
    assert pulumi.ensure_pulumi() == bare


@pytest.mark.parametrize("flaw", ["another version", "a program is missing"])
def test_a_broken_cache_entry_is_made_anew(bare: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch, flaw: str) -> None:
    install(bare, fake, "3.1.0" if flaw == "another version" else pulumi.PULUMI_PINNED)
    if flaw == "a program is missing":
        (bare / "pulumi-language-python-exec").unlink()
    monkeypatch.setattr(pulumi, "download", lambda version, folder: install(folder, fake, version))
    assert pulumi.usable(pulumi.ensure_pulumi())


def test_the_official_release_comes_before_a_build(bare: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "download", lambda version, folder: install(folder, fake, version))
    assert pulumi.ensure_pulumi() == bare


def test_without_the_release_it_is_built(bare: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "download", refuse)
    monkeypatch.setattr(pulumi, "build", lambda version, folder, scratch, log: install(folder, fake, version))
    assert pulumi.ensure_pulumi() == bare
    assert [p.name for p in bare.parent.parent.iterdir() if not p.name.startswith(".")] == [pulumi.PULUMI_PINNED]


def test_when_nothing_works_one_line_says_all_and_no_entry_is_left(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulumi, "download", refuse)
    monkeypatch.setattr(pulumi, "build", refuse)
    with pytest.raises(ToolError, match=r"no Pulumi CLI: not here; not here; fix: ") as error:
        pulumi.ensure_pulumi()
    assert "\n" not in str(error.value)
    assert not bare.exists()


def test_of_two_at_once_one_gets_it_and_the_other_waits(
    bare: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    begun, go_on, got = threading.Event(), threading.Event(), []

    def slow(version: str, folder: Path) -> None:
        got.append(version)
        begun.set()
        assert go_on.wait(10)
        install(folder, fake, version)

    monkeypatch.setattr(pulumi, "download", slow)
    waits = threading.Event()
    monkeypatch.setattr("groundplan.tools.cache.say", lambda _: waits.set())
    found: list[Path] = []
    threads = [threading.Thread(target=lambda: found.append(pulumi.ensure_pulumi())) for _ in range(2)]
    threads[0].start()
    assert begun.wait(10)
    threads[1].start()
    assert waits.wait(10)
    go_on.set()
    for thread in threads:
        thread.join(10)
    assert found == [bare, bare]
    assert got == [pulumi.PULUMI_PINNED]


def test_the_engine_keeps_no_logs_in_its_folder_and_whoever_looks_is_told_why(cache: Path) -> None:
    assert pulumi.engine_home() == pulumi.engine_home() == cache / "pulumi/engine"
    assert "PULUMI_HOME=" in (cache / "pulumi/engine/logs").read_text()
