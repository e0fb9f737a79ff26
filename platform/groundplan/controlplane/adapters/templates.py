"""What the deployment tells a control plane in a cluster: templates of what it makes there, as files of one folder."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundplan_runtime.config import VARIABLE as RUNTIME

#: Names the folder; not set where nothing is made in a cluster.
VARIABLE = "GROUNDPLAN_TEMPLATES"
#: A pod template of a run; the ``rayClusterConfig`` of a RayService; who owns it, so that it goes with them; where each
#: project's runs are.
RUN, RAY, OWNER, HOMES = "run.json", "ray.json", "owner", "homes.json"


@dataclass(frozen=True)
class Home:
    """Where a project's runs are: its team's namespace, and the service account that they have and belong to there."""

    namespace: str
    team: str
    account: str


def in_cluster() -> bool:
    """Return whether this control plane makes its runs and its serving in a cluster."""
    return VARIABLE in os.environ


def template(name: str) -> dict[str, Any]:
    """Return one template."""
    return dict(json.loads(_folder().joinpath(name).read_text()))


def homes() -> dict[str, Home]:
    """Return where the runs of each project are."""
    return {project: Home(**each) for project, each in template(HOMES).items()}


def owner() -> str:
    """Return the name of the ConfigMap that owns what the control plane makes."""
    return _folder().joinpath(OWNER).read_text().strip()


def settings() -> str:
    """Return the platform's settings, as this process was given them: runs get the same."""
    return Path(os.environ[RUNTIME]).read_text()


def _folder() -> Path:
    return Path(os.environ[VARIABLE])
