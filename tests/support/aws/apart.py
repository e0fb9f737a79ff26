"""Programs of tests in environments of their own: what they need would not resolve beside the product's packages."""

import os
import shutil
import sys
from pathlib import Path

from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import size_of, step
from groundplan.tools.run import run
from groundplan.tools.uv import find_uv

#: Judges tfstate and Kubernetes YAML by rules of others (Apache-2.0, Prisma Cloud); 12 s a run.
CHECKOV = "checkov==3.3.30"
#: An emulator of AWS that keeps what it is told (MIT).
MINISTACK = "ministack==1.5.33"


def ensure_program(requirement: str) -> Path:
    """The program of a requirement, ``name==version``, in the cache; ToolError names the log."""
    name, _, version = requirement.partition("==")
    entry = cache_root() / "tests" / f"{name}-{version}"
    program = entry / "bin" / name
    with locked(entry, name):
        if not os.access(program, os.X_OK):
            shutil.rmtree(entry, ignore_errors=True)
            log = entry.parent / f"{entry.name}.log"
            with step(f"getting {name} {version}", lambda: size_of(entry)):
                uv = str(find_uv())
                run([uv, "venv", "--quiet", "--python", sys.executable, str(entry)], entry.parent, os.environ, log)
                python = str(entry / "bin" / "python")
                run([uv, "pip", "install", "--quiet", "--python", python, requirement], entry.parent, os.environ, log)
    return program
