"""What ``pulumi`` needs to work on a stack, as environment variables: the same for our commands and by hand."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from groundplan.cli._checkout import Checkout
from groundplan.cli._settings import ensure_settings, stack_id
from groundplan.compose import load_stack
from groundplan.errors import ToolError
from groundplan.kind.upkeep import restore_kubeconfig
from groundplan.tools import engine_home, ensure_pulumi, ensure_runtime


@dataclass(frozen=True)
class Workspace:
    """A checkout's environment, ready for the engine."""

    checkout: Checkout
    pulumi: Path
    #: Python of the runtime's environment; None where services run in a cluster, from images.
    runtime: Path | None

    def variables(self) -> dict[str, str]:
        """The variables that differ from the caller's environment."""
        venv = Path(sys.executable).parent
        # The venv leads: the Python host that is built from source starts the first `python3` it finds.
        path = [str(venv), str(self.pulumi), os.environ.get("PATH", os.defpath)]
        return {
            "PATH": os.pathsep.join(_unique(os.pathsep.join(path).split(os.pathsep))),
            "PULUMI_BACKEND_URL": f"file://{self.checkout.backend}",
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.checkout.passphrase),
            "PULUMI_HOME": os.environ.get("PULUMI_HOME") or str(engine_home()),
            "PULUMI_PYTHON_CMD": sys.executable,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            **({"GROUNDPLAN_RUNTIME_PYTHON": str(self.runtime)} if self.runtime else {}),
        }

    def environment(self) -> dict[str, str]:
        """The whole environment for a child process."""
        own = {k: v for k, v in os.environ.items() if k not in ("PULUMI_CONFIG_PASSPHRASE", "VIRTUAL_ENV")}
        return own | self.variables()


def open_workspace(checkout: Checkout) -> Workspace:
    """Get the tools, make what the stack needs, and a stack in the backend if there is none yet."""
    stack = load_stack(checkout.root, checkout.env)
    runtime = ensure_runtime(checkout.root) if stack.target == "local" else None
    workspace = Workspace(checkout, ensure_pulumi(), runtime)
    ensure_settings(checkout)
    if stack.target == "kind":
        restore_kubeconfig(stack, stack_id(checkout) or "", checkout.root)
    if not checkout.state.exists():
        _init(workspace)
    return workspace


def _init(workspace: Workspace) -> None:
    command = ["pulumi", "stack", "init", workspace.checkout.env, "--non-interactive", "--no-select"]
    done = subprocess.run(
        command, cwd=workspace.checkout.root, env=workspace.environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise ToolError(f"pulumi stack init {workspace.checkout.env}: {done.stderr.strip() or done.stdout.strip()}")


def _unique(folders: list[str]) -> list[str]:
    return list(dict.fromkeys(folder for folder in folders if folder))
