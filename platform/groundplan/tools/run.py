"""Run a program of the tool chain; when it fails, keep all it said in a log and show its last line."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from groundplan.errors import ToolError


def run(command: Sequence[str], cwd: Path, env: Mapping[str, str], log: Path) -> str:
    """Run ``command`` and return its standard output; raise :class:`ToolError` naming ``log`` when it fails."""
    done = subprocess.run(command, cwd=cwd, env=dict(env), capture_output=True, text=True)
    with log.open("a") as file:
        file.write(f"$ {' '.join(command)}\n{done.stdout}{done.stderr}")
    if done.returncode:
        raise ToolError(f"{Path(command[0]).name} failed: {_last_line(done.stderr or done.stdout)}; all of it: {log}")
    return done.stdout


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "it said nothing"
