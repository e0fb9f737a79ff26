"""Tier 5: the whole life of a stack in a real account. It has never been run by the project; it costs money.

``python -m tests.aws.account --stack <name> --yes`` with credentials of the declared account, from where the endpoint
can be reached. The stack must keep nothing: ``protection: {keep_data: false}``, ``deletion_protection: false``.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from groundplan.compose import load_stack
from groundplan.spec import StackSpec

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every step; the exit code is the first that fails, after what was made is destroyed."""
    asked = _asked(arguments)
    stack = load_stack(ROOT, asked.stack)
    if refused := _refused(stack, yes=asked.yes):
        print(f"error: {refused}", file=sys.stderr)
        return 2
    code = 0
    for step in _steps(asked.stack):
        code = code or _run(step)
    down = _run(["groundplan", "down", asked.stack, "--yes", "--purge"])
    left = _left(stack)
    print(f"left behind: {', '.join(left) or 'nothing'}")
    return code or down or bool(left)


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", required=True)
    parser.add_argument("--yes", action="store_true", help="I know that this costs money.")
    return parser.parse_args(arguments)


def _refused(stack: StackSpec, *, yes: bool) -> str | None:
    """Return why this must not run, in one line."""
    if stack.aws is None:
        return f"stack {stack.name} has target {stack.target}, not aws"
    if stack.protection.keep_data or stack.aws.database.deletion_protection:
        return "the stack would leave data behind; fix: protection: {keep_data: false}, deletion_protection: false"
    if not yes:
        return f"this makes a stack in account {stack.aws.account} and costs money; fix: --yes"
    asked = _aws(stack, "sts", "get-caller-identity")
    if asked.get("Account") != stack.aws.account:
        return f"credentials are of account {asked.get('Account')}, not {stack.aws.account}; fix: AWS_PROFILE"
    return None


def _steps(stack: str) -> list[list[str]]:
    up = ["groundplan", "up", stack, "--yes"]
    return [["groundplan", "preview", stack], up, up, ["groundplan", "status", stack]]


def _run(command: Sequence[str]) -> int:
    start = time.monotonic()
    done = subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT)
    print(f"{' '.join(command)}: {done.returncode} in {time.monotonic() - start:.0f} s", flush=True)
    return done.returncode


def _left(stack: StackSpec) -> list[str]:
    """Return the ARNs that still carry the stack's tag."""
    found = _aws(
        stack, "resourcegroupstaggingapi", "get-resources", "--tag-filters", f"Key=groundplan:stack,Values={stack.name}"
    )
    return sorted(each["ResourceARN"] for each in found.get("ResourceTagMappingList", []))


def _aws(stack: StackSpec, *arguments: str) -> dict[str, object] | dict[str, list[dict[str, str]]]:
    assert stack.aws is not None
    command = ["aws", *arguments, "--region", stack.aws.region, "--output", "json"]
    done = subprocess.run(command, capture_output=True, text=True)
    return dict(json.loads(done.stdout)) if done.returncode == 0 and done.stdout else {}


if __name__ == "__main__":
    sys.exit(main())
