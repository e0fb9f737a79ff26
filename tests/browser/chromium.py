"""A Chromium to drive: the one that is there, or Debian's, installed where that is allowed.

Playwright's own builds cannot be had everywhere; any Chromium of the last years answers to it.
"""

import os
import shutil
import subprocess
from pathlib import Path

NAMES = ("chromium", "chromium-headless-shell", "google-chrome", "google-chrome-stable", "chrome")
#: A closed network refuses Chromium's own calls home, many at a time; and root has no sandbox.
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
]  # fmt: skip


class NoBrowser(Exception):
    """There is none, and none can be installed: why."""


def executable() -> Path:
    """Return a Chromium. NoBrowser, with the reason, where there is none to be had."""
    named = os.environ.get("GROUNDPLAN_CHROMIUM")
    found = next((path for name in ((named,) if named else NAMES) if (path := shutil.which(name))), None)
    if found:
        return Path(found)
    if named:
        raise NoBrowser(f"GROUNDPLAN_CHROMIUM names {named}, which is no program")
    _install()
    found = shutil.which(NAMES[0])
    if found is None:
        raise NoBrowser("Debian's package chromium was installed, but there is no program chromium")
    return Path(found)


def _install() -> None:
    if shutil.which("apt-get") is None:
        raise NoBrowser("no Chromium is installed, and this is no Debian; fix: install one, or set GROUNDPLAN_CHROMIUM")
    if os.geteuid() != 0:
        raise NoBrowser("no Chromium is installed; fix: sudo apt-get install chromium")
    print("installing Debian's package chromium", flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    packages = ["chromium", "fonts-dejavu-core"]
    for command in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        done = subprocess.run(["apt-get", "-qq", *command], env=environment, capture_output=True, text=True)
        if done.returncode:
            raise NoBrowser(f"apt-get {command[0]} failed: {done.stderr.strip().splitlines()[-1:]}")
