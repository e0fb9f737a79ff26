"""Builds the platform's own images with Docker: one Dockerfile, one image a set of extras, tagged by what is in it."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from groundplan.errors import ToolError
from groundplan.images.tags import DOCKERFILE, IMAGES, tags

WHERE = "https://docs.docker.com/engine/install/"


def references(root: Path, registry: str) -> dict[str, str]:
    """Return image → reference of this checkout's images in a registry."""
    return {name: f"{registry}/{name}:{tag}" for name, tag in tags(root).items()}


def build(root: Path, registry: str, base: str | None, say: Callable[[str], None]) -> None:
    """Build every image that Docker does not have yet; nothing to do for those it has. ToolError says what failed."""
    require()
    for name, reference in references(root, registry).items():
        if exists(reference):
            say(f"{reference}: there already")
            continue
        say(f"building {reference}: minutes, the first time")
        _run(build_command(root, name, reference, base), f"{reference} could not be built")


def push(root: Path, registry: str, say: Callable[[str], None]) -> None:
    """Send every image to its registry."""
    require()
    for reference in references(root, registry).values():
        say(f"pushing {reference}")
        _run(["docker", "push", reference], f"{reference} could not be pushed")


def build_command(root: Path, name: str, reference: str, base: str | None) -> list[str]:
    """Return the command that builds one image. ``base``: another base image, by digest where it has to be."""
    extras = " ".join(IMAGES[name])
    arguments: Mapping[str, str] = {"EXTRAS": extras, **({"BASE": base} if base else {})}
    flags = [word for key, value in arguments.items() for word in ("--build-arg", f"{key}={value}")]
    return ["docker", "build", "--file", str(root / DOCKERFILE), *flags, "--tag", reference, str(root)]


def require() -> None:
    """Raise :class:`ToolError` unless Docker is there and answers."""
    if shutil.which("docker") is None:
        raise ToolError(f"docker is not installed, and images are built with it; fix: {WHERE}")
    done = subprocess.run(["docker", "version", "--format", "{{.Server.Version}}"], capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["it says nothing"])[-1]
        raise ToolError(f"Docker does not answer: {why}; fix: start Docker, or add this user to its group")


def exists(reference: str) -> bool:
    """Return whether Docker has an image."""
    return subprocess.run(["docker", "image", "inspect", reference], capture_output=True).returncode == 0


def _run(command: list[str], failed: str) -> None:
    """Docker's own display goes through: it is what people know."""
    code = subprocess.run(command).returncode
    if code:
        raise ToolError(f"{failed} (exit code {code}): docker says why above")
