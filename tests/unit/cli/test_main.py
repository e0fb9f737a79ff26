import importlib
import subprocess
import sys

import pytest

from groundplan.cli.main import COMMANDS
from tests.unit.cli.conftest import Desk


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself_with_an_example(desk: Desk, name: str) -> None:
    words = ["new", "project"] if name == "new" else [name]
    said = desk.command(*words, "--help")
    assert said.code == 0
    example = said.out.rsplit("╯", 1)[1]
    assert f"groundplan {' '.join(words)}" in example
    assert importlib.import_module(f"groundplan.cli.{COMMANDS[name][0]}").app


def test_the_help_lists_every_command_without_loading_any() -> None:
    code = (
        "import sys\nfrom groundplan.cli.main import run\n"
        "try: run(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted(m for m in sys.modules if m.split('.')[0] in ('hydra', 'pulumi', 'httpx', 'pydantic', 'duckdb')))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.splitlines()[-1] == "[]"
    assert all(name in out for name in COMMANDS)


def test_an_unknown_command_is_one_line_with_those_that_exist(desk: Desk) -> None:
    said = desk.command("upp")
    assert said.code == 1
    assert said.err == f"error: no command 'upp'; there is: {', '.join(COMMANDS)}\n"


@pytest.mark.parametrize("command", ["up", "preview", "down", "status", "plan", "check", "env"])
def test_an_unknown_environment_is_one_line_with_those_that_exist(desk: Desk, command: str) -> None:
    said = desk.command(command, "prod")
    assert (said.code, said.out) == (1, "")
    assert said.err == "error: no environment 'prod': stacks/prod.yaml is missing; there is: local\n"
    assert desk.calls() == []


def test_outside_a_checkout_is_one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(desk.fake)
    said = desk.command("plan")
    assert said.code == 1
    assert "not in a Groundplan checkout" in said.err


@pytest.mark.parametrize("command", ["up", "preview", "plan", "check"])
def test_a_mistake_in_the_declaration_is_told_before_the_engine_is_asked(desk: Desk, command: str) -> None:
    desk.files.edit("projects/shop/project.yaml", "team: core", "teem: core")
    said = desk.command(command)
    assert said.code == 1
    assert "projects/shop/project.yaml:" in said.err
    assert "Traceback" not in said.err
    assert desk.calls() == []
