"""The rivals' Python environment: made once per list of requirements, in the cache, never the product's."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import size_of, step
from groundplan.tools.uv import find_uv

HERE = Path(__file__).parent / "rivals"
MARKER = ".complete"


def ensure() -> Path:
    """Return its Python, made if need be (1 GB, a minute)."""
    given = (HERE / "rivals.txt").read_bytes() + platform.python_version().encode()
    entry = cache_root() / "rivals" / hashlib.sha256(given).hexdigest()[:16]
    with locked(entry, "the rivals' environment"):
        if not (entry / MARKER).exists():
            _make(entry)
    return entry / "bin" / "python"


def _make(entry: Path) -> None:
    shutil.rmtree(entry, ignore_errors=True)
    uv = str(find_uv())
    with step("getting the rivals' environment (about 1.1 GB)", lambda: size_of(entry)):
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(entry)], check=True)
        words = ["--quiet", "--python", str(entry / "bin" / "python"), "-r", str(HERE / "rivals.txt")]
        subprocess.run([uv, "pip", "install", *words], check=True, env=_clean())
    (entry / MARKER).touch()


def _clean() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
