"""The versions of the tools, and how to read the one that a program prints."""

import re
import subprocess
from collections.abc import Sequence

Version = tuple[int, int, int]

#: The oldest Pulumi engine that is taken from the PATH, and the one that is got where there is none.
PULUMI_MINIMUM: Version = (3, 250, 0)
PULUMI_PINNED = "3.250.0"
#: The newest Python language host that the Go module proxy serves.
LANGUAGE_HOST = "3.75.0"
GO_MINIMUM: Version = (1, 25, 11)
GO_WHEEL = "1.27.3"


def parse(text: str) -> Version | None:
    """First ``a.b`` or ``a.b.c`` in ``text`` (``v3.250.0``, ``go version go1.26.8 linux/amd64``); None without one."""
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    if not found:
        return None
    major, minor, patch = found.groups(default="0")
    return int(major), int(minor), int(patch)


#: Seconds after which a program that prints no version is broken. Long: on a machine under load a slow one is not.
PATIENCE = 300


def version_of(command: Sequence[str]) -> Version | None:
    """The version that ``command`` prints; None when it cannot run, fails or prints none."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse(done.stdout) if done.returncode == 0 else None
