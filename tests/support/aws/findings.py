"""checkov's findings on registrations, run in an environment of its own."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.aws.apart import CHECKOV, ensure_program
from tests.support.aws.registrations import Registration
from tests.support.aws.terraform import document


@dataclass(frozen=True, order=True)
class Finding:
    """One rule that one resource does not meet."""

    rule: str
    resource: str
    says: str


def findings(registrations: Iterable[Registration]) -> tuple[int, list[Finding]]:
    """Return how many checks passed, and every one that failed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "main.tf.json").write_text(json.dumps(document(registrations), indent=1))
        command = [str(ensure_program(CHECKOV)), "--directory", name, "--framework", "terraform_json",
                   "--output", "json", "--quiet", "--compact", "--skip-download"]  # fmt: skip
        # Nothing of ours goes to its makers: no key, no upload, no list of rules from outside.
        environment = {**os.environ, "CHECKOV_RUN_SCA_PACKAGE_SCAN_V2": "false"}
        done = subprocess.run(command, cwd=name, env=environment, capture_output=True, text=True, timeout=300)
    if done.returncode not in (0, 1):
        raise RuntimeError(f"checkov: {done.stderr[-2000:]}")
    found = json.loads(done.stdout)
    failed = [Finding(o["check_id"], o["resource"], o["check_name"]) for o in found["results"]["failed_checks"]]
    return int(found["summary"]["passed"]), sorted(failed)
