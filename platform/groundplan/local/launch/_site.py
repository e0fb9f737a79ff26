"""What every launcher needs: the stack's runtime document, its ports, and a wheel's programs."""

import argparse
import importlib.util
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from groundplan_runtime.config import LOOPBACK, Runtime


@dataclass(frozen=True)
class Site:
    """The stack's runtime document and the ports that this service was given, by name."""

    runtime: Runtime
    ports: dict[str, int]

    @property
    def data_dir(self) -> Path:
        """The stack's data folder."""
        return self.runtime.data_dir

    @property
    def bind(self) -> str:
        """The address to listen at: this machine only, or, in a pod, every one of the pod's."""
        return self.runtime.bind

    @property
    def alone(self) -> bool:
        """Whether this machine is all that may connect: then no other is named anywhere."""
        return self.bind == LOOPBACK


def site() -> Site:
    """Read the runtime document and ``name=port`` from the arguments."""
    parser = argparse.ArgumentParser()
    parser.add_argument("ports", nargs="*", help="name=port")
    words = dict(word.split("=", 1) for word in parser.parse_args().ports)
    return Site(Runtime.load(), {name: int(port) for name, port in words.items()})


def package(name: str) -> Path:
    """Return an installed package's folder without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        sys.exit(f"{name} is not installed in {sys.prefix}; fix: `groundplan up` makes the runtime again")
    return Path(next(iter(found.submodule_search_locations)))


def folder(path: Path) -> Path:
    """Make a 0700 folder for a service's data."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> Path:
    """Write a 0600 file whole or not at all."""
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    new.replace(path)
    return path


def become(command: list[str | Path], environment: dict[str, str] | None = None) -> NoReturn:
    """Replace this process with the service's own, so that the supervisor watches that one."""
    sys.stdout.flush()
    words = [str(word) for word in command]
    os.execvpe(words[0], words, {**os.environ, **(environment or {})})  # noqa: S606  (no shell is wanted)
