"""The policy pack over the local stack's own preview, by the command that people use."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.clone import free_port_base
from tests.support.copied import copied

CHANGES = 2


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The repository's local stack, on ports that are free."""
    root = copied(tmp_path)
    stack = root / "stacks/local.yaml"
    stack.write_text(re.sub(r"port_base: \d+", f"port_base: {free_port_base()}", stack.read_text()))
    return root


def preview(root: Path, *flags: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "groundplan"), "preview", "local", *flags]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, env=dict(os.environ))


def test_the_local_stack_keeps_the_rules_and_is_told_what_it_should_not_do(checkout: Path) -> None:
    done = preview(checkout, "--policies")
    assert done.returncode == CHANGES, done.stdout + done.stderr
    assert "✅ groundplan@" in done.stdout
    assert "[mandatory]" not in done.stdout

    model = checkout / "projects/flights/training/delay.yaml"
    text, count = re.subn(r"gates: \[.*?\]\s*,?\s*", "", model.read_text(), flags=re.DOTALL)
    assert count
    model.write_text(text)
    done = preview(checkout, "--policies")
    assert done.returncode == CHANGES, done.stdout + done.stderr
    assert "[advisory]" in done.stdout
    assert "production-without-gates" in done.stdout


def test_without_being_asked_for_it_does_not_judge_a_local_stack(checkout: Path) -> None:
    done = preview(checkout)
    assert done.returncode == CHANGES, done.stdout + done.stderr
    assert "groundplan@" not in done.stdout
