from pathlib import Path

import pytest

from groundplan.tools import golang
from tests.unit.tools.conftest import Fake

INSTALLS_GO = """for last; do :; done
mkdir -p "$PWD/go/bin"
printf '#!/bin/sh\\necho go version go1.27.3 linux/amd64\\n' > "$PWD/go/bin/go"
chmod 755 "$PWD/go/bin/go\""""


def test_a_new_go_on_the_path_is_taken_with_the_users_own_caches(
    tmp_path: Path, cache: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = fake(tmp_path / "bin" / "go", "echo go version go1.26.8 linux/amd64")
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    monkeypatch.setenv("GOCACHE", "/users/own")
    go = golang.ensure_go()
    assert go == golang.Go(program, own=False)
    assert go.environment(tmp_path)["GOCACHE"] == "/users/own"
    assert go.environment(tmp_path)["GOTOOLCHAIN"] == "local"


def test_an_old_one_gives_way_to_the_wheel_whose_caches_stay_in_the_scratch_folder(
    tmp_path: Path, cache: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = fake(tmp_path / "bin" / "go", "echo go version go1.19.8 linux/amd64")
    monkeypatch.setenv("PATH", f"{old.parent}:/usr/bin:/bin")
    uv = fake(tmp_path / "uv", INSTALLS_GO)
    monkeypatch.setattr(golang, "find_uv", lambda: uv)
    go = golang.ensure_go()
    assert go.own
    assert go.program == cache / "go" / golang.GO_WHEEL / "go" / "bin" / "go"
    assert go.environment(tmp_path)["GOPATH"].startswith(str(tmp_path))
    uv.unlink()
    assert golang.ensure_go() == go
