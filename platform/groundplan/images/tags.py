"""The tag of an image is the digest of what it is made from: the same tag is the same image, on every machine."""

import hashlib
from pathlib import Path

from groundplan.errors import ToolError
from groundplan.local import code

DOCKERFILE = "images/Dockerfile"
#: Code in every image, as package folders.
SOURCES = ("platform/groundplan", "serving/groundplan_runtime", "serving/groundplan_serving")
#: Image → extras of ``pyproject.toml`` that are installed in it.
IMAGES = {"runtime": ("runtime",), "services": ("local",)}
FILES = (DOCKERFILE, "uv.lock", "pyproject.toml")


def tags(root: Path) -> dict[str, str]:
    """Return image → tag, 16 hex digits. ToolError when a file that they are made from is missing."""
    missing = [each for each in (*FILES, *SOURCES) if not (root / each).exists()]
    if missing:
        raise ToolError(f"{root / missing[0]}: missing, and images are made from it; fix: restore it from git")
    shared = hashlib.sha256(code.digest([root / each for each in SOURCES]).encode())
    for name in FILES:
        shared.update((root / name).read_bytes())
    return {name: _digest(shared.hexdigest(), name, extras) for name, extras in IMAGES.items()}


def _digest(shared: str, *words: object) -> str:
    return hashlib.sha256(f"{shared} {words}".encode()).hexdigest()[:16]
