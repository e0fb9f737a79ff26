"""A checkout with a fake engine: a shell script that notes what it is asked and answers as the test says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from groundplan.cli import _workspace
from groundplan.cli._checkout import Checkout as Opened
from groundplan.cli.main import run
from tests.support.checkout import Checkout

ENGINE = """#!/bin/sh
echo "$@" >> "$FAKE/calls"
if [ "$1 $2" = "stack init" ]; then
  mkdir -p "${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/groundplan"
  echo '{"version": 3, "checkpoint": {"latest": {}}}' > "${PULUMI_BACKEND_URL#file://}/.pulumi/stacks/groundplan/$3.json"
  exit 0
fi
[ -f "$FAKE/script" ] && . "$FAKE/script"
exit 0
"""


@dataclass
class Answer:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class Desk:
    """A checkout, its fake engine, and a way to run commands in it."""

    files: Checkout
    fake: Path
    command: Callable[..., Answer]

    @property
    def opened(self) -> Opened:
        """The checkout's environment ``local``."""
        return Opened(self.files.root, "local")

    def engine(self, script: str) -> None:
        """Let the engine run these lines of shell when it is asked for more than a new stack."""
        (self.fake / "script").write_text(script)

    def calls(self) -> list[str]:
        """What the engine was asked, in order."""
        calls = self.fake / "calls"
        return calls.read_text().splitlines() if calls.exists() else []


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Desk:
    """A fresh checkout, entered; commands run in this process, the engine is a script."""
    files = Checkout(tmp_path / "checkout")
    files.write("Pulumi.yaml", "name: groundplan\n")
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "pulumi").write_text(ENGINE)
    (fake / "pulumi").chmod(0o755)
    monkeypatch.chdir(files.root)
    monkeypatch.setenv("FAKE", str(fake))
    monkeypatch.setenv("GROUNDPLAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(_workspace, "ensure_pulumi", lambda: fake)
    monkeypatch.setattr(_workspace, "ensure_runtime", lambda _: tmp_path / "runtime" / "bin" / "python")

    def command(*arguments: str) -> Answer:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            run(list(arguments))
        said = capfd.readouterr()
        return Answer(int(ended.value.code or 0), said.out, said.err)

    return Desk(files, fake, command)
