"""Where uv is: it makes the runtime's environment and fetches wheels."""

import shutil
import sys
from pathlib import Path

from groundplan.errors import ToolError


def find_uv() -> Path:
    """The uv of the deployer's environment (the locked version), else the one on the PATH."""
    beside = Path(sys.executable).with_name("uv")
    if beside.exists():
        return beside
    if found := shutil.which("uv"):
        return Path(found)
    raise ToolError("uv is missing: looked beside the Python that runs and on the PATH; fix: pip install uv")
