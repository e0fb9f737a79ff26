"""A Pulumi CLI with its Python host: from the PATH, else the official release, else built from source."""

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from groundplan.errors import ToolError
from groundplan.tools.build import build
from groundplan.tools.cache import cache_root, locked
from groundplan.tools.progress import say, size_of, step
from groundplan.tools.release import download
from groundplan.tools.versions import PULUMI_MINIMUM, PULUMI_PINNED, parse, version_of

#: Stands where the engine would keep its logs, for whoever looks for them.
NO_LOGS = """\
Here the engine would log whatever it and its providers say to each other: half of its time, and 44 MB a preview, where
a stack has a cluster. It has no switch for that, but does without where this is no folder. To have the logs of a run:
PULUMI_HOME=<another folder> groundplan up
"""
PROGRAMS = ("pulumi", "pulumi-language-python", "pulumi-language-python-exec", "pulumi-resource-pulumi-python")


def ensure_pulumi() -> Path:
    """Folder of a Pulumi CLI that is new enough, with its Python host beside it; got into the cache if need be."""
    if found := on_path():
        return found
    entry = cache_root() / "pulumi" / PULUMI_PINNED
    if usable(entry / "bin"):
        return entry / "bin"
    with locked(entry, f"Pulumi {PULUMI_PINNED}"):
        if not usable(entry / "bin"):
            _get(entry)
    return entry / "bin"


def engine_home() -> Path:
    """Return the engine's own folder in the cache (PULUMI_HOME), in which it keeps plugins but no logs."""
    home = cache_root() / "pulumi" / "engine"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError), (home / "logs").open("x") as file:
        file.write(NO_LOGS)
    return home


def on_path() -> Path | None:
    """Folder of the CLI on the PATH when it is new enough and brings its Python host."""
    program = shutil.which("pulumi")
    if not program:
        return None
    folder = next((f for f in (Path(program).parent, Path(program).resolve().parent) if _complete(f)), None)
    if folder is None or (version_of([program, "version"]) or (0, 0, 0)) < PULUMI_MINIMUM:
        say(f"{program} is older than {'.'.join(map(str, PULUMI_MINIMUM))} or lacks its Python host: not used")
        return None
    return folder


def usable(folder: Path) -> bool:
    """Whether a cache entry is whole and of the pinned version; a broken one is made anew."""
    return _complete(folder) and version_of([str(folder / "pulumi"), "version"]) == parse(PULUMI_PINNED)


def _complete(folder: Path) -> bool:
    return all(os.access(folder / name, os.X_OK) for name in PROGRAMS)


def _get(entry: Path) -> None:
    # Made in a folder of its own and renamed when whole: a killed build leaves no half entry.
    with tempfile.TemporaryDirectory(prefix=f".{entry.name}-", dir=entry.parent, ignore_cleanup_errors=True) as name:
        scratch = Path(name)
        folder = scratch / "bin"
        _first_that_works(folder, scratch, entry.parent / f"{entry.name}.log")
        if not usable(folder):
            raise ToolError(f"what was got as Pulumi {PULUMI_PINNED} does not run: {folder}")
        shutil.rmtree(entry, ignore_errors=True)
        entry.mkdir()
        folder.rename(entry / "bin")


def _first_that_works(folder: Path, scratch: Path, log: Path) -> None:
    log.unlink(missing_ok=True)
    ways: dict[str, Callable[[], None]] = {
        f"getting Pulumi {PULUMI_PINNED} (official release, about 150 MB)": lambda: download(PULUMI_PINNED, folder),
        f"building Pulumi {PULUMI_PINNED} from source (about 4 minutes on 2 cores)": lambda: build(
            PULUMI_PINNED, folder, scratch, log
        ),
    }
    refusals = []
    for what, way in ways.items():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            with step(what, lambda: size_of(scratch)):
                way()
        except ToolError as error:
            say(f"{what}: not possible here: {error}")
            refusals.append(str(error))
            continue
        return
    raise ToolError(f"no Pulumi CLI: {'; '.join(refusals)}; fix: put pulumi ≥ {PULUMI_PINNED} on the PATH")
