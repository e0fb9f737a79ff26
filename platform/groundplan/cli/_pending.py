"""Creations that a killed engine left unfinished. The engine keeps them for ever; ours can be done again."""

import json
import subprocess

from groundplan.cli._leftovers import locks
from groundplan.cli._settings import read_state
from groundplan.cli._workspace import Workspace
from groundplan.errors import ToolError


def clear_pending(workspace: Workspace) -> str | None:
    """Forget unfinished creations, and return a line that says so; None when there are none, or somebody works on them.

    Harmless with our resources: creating one adopts what an earlier creation left. Other unfinished operations
    are settled by the engine's own look at what is really there.
    """
    checkout = workspace.checkout
    pending = [op for op in read_state(checkout.state).get("pending_operations", []) if op["type"] == "creating"]
    if not pending or locks(checkout):
        return None
    document = json.loads(_stack(workspace, "export"))
    operations = document["deployment"].get("pending_operations", [])
    document["deployment"]["pending_operations"] = [op for op in operations if op["type"] != "creating"]
    _stack(workspace, "import", json.dumps(document))
    names = ", ".join(sorted({op["resource"]["urn"].rsplit("::", 1)[1] for op in pending}))
    return f"a run was killed while it made {names}: whatever of it is there is adopted"


def _stack(workspace: Workspace, verb: str, given: str | None = None) -> str:
    command = ["pulumi", "stack", verb, "--stack", workspace.checkout.env, "--non-interactive"]
    environment, root = workspace.environment(), workspace.checkout.root
    done = subprocess.run(command, cwd=root, env=environment, input=given, capture_output=True, text=True)
    if done.returncode:
        raise ToolError(f"pulumi stack {verb}: {done.stderr.strip().splitlines()[-1:] or 'failed'}")
    return done.stdout
