"""`make check`: every static check, each through its own tool, all of them even when one fails."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
CODE = ["platform", "components", "serving", "__main__.py"]
CHECKS: dict[str, list[str]] = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["mypy"],
    "import rules": ["lint-imports"],
    "docstrings": ["interrogate", "--quiet", "platform", "components", "serving"],
    "schemas": ["groundplan", "schema", "--check"],
    "shape": ["python", "-m", "pytest", "-q", "tests/habits"],
}


def run(name: str, command: list[str]) -> bool:
    """Run one check; print its output only when it fails. True when it passed."""
    start = time.monotonic()
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True)
    took = time.monotonic() - start
    print(f"{'ok  ' if done.returncode == 0 else 'FAIL'}  {name} ({took:.1f} s)", flush=True)
    if done.returncode:
        print(done.stdout + done.stderr, flush=True)
    return done.returncode == 0


def main() -> int:
    """Run all checks and return the exit code: 0 when all passed."""
    results = [run(name, command) for name, command in CHECKS.items()]
    print(f"{sum(results)} passed, {len(results) - sum(results)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
