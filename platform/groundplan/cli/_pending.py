"""Creations that a killed engine left unfinished. The engine keeps them for ever; here they are settled."""

import json
import subprocess

from groundplan.cli._adoption import settle
from groundplan.cli._leftovers import locks
from groundplan.cli._settings import read_state
from groundplan.cli._workspace import Workspace
from groundplan.errors import ToolError


def clear_pending(workspace: Workspace) -> list[str]:
    """Settle unfinished creations, and return lines that say so; none when there are none, or somebody works on them.

    Other unfinished operations are settled by the engine's own look at what is really there.
    """
    checkout = workspace.checkout
    pending = read_state(checkout.state).get("pending_operations", [])
    if not any(op["type"] == "creating" for op in pending) or locks(checkout):
        return []
    document = json.loads(_stack(workspace, "export"))
    adopted, unknown = settle(document["deployment"])
    _stack(workspace, "import", json.dumps(document))
    said = []
    if adopted:
        said.append(f"a run was killed while it made {', '.join(adopted)}: whatever of it is there is adopted")
    if unknown:
        tag = f"groundplan:stack={checkout.env}"
        said.append(
            f"warning: a run was killed while it made {', '.join(unknown)}: AWS may have made it, and it would be left "
            f"over; fix: look for it by the tag {tag}, remove it (docs/aws.md, A run was killed)"
        )
    return said


def _stack(workspace: Workspace, verb: str, given: str | None = None) -> str:
    command = ["pulumi", "stack", verb, "--stack", workspace.checkout.env, "--non-interactive"]
    environment, root = workspace.environment(), workspace.checkout.root
    done = subprocess.run(command, cwd=root, env=environment, input=given, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"pulumi stack {verb}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
    return done.stdout
