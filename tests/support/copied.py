"""The checkout's declarations and code in a folder of their own, for what needs no environment of its own."""

import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = (
    "stacks", "projects", "platform", "components", "serving", "images", "policies", "__main__.py", "Pulumi.yaml",
    "pyproject.toml", "uv.lock",
)  # fmt: skip


def copied(folder: Path) -> Path:
    """Copy them into ``folder``, without settings of stacks; return it."""
    skip = shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml")
    for name in NAMES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=skip)
        else:
            shutil.copy(source, folder / name)
    return folder
