"""The job that Ray starts: makes what a run needs, starts it apart, watches it, and leaves nothing of it behind."""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from groundplan_runtime import storage
from groundplan_runtime.config import VARIABLE, Runtime
from groundplan_runtime.errors import RuntimeProblem
from groundplan_runtime.isolation import credentials, enter, folder, watch
from groundplan_runtime.isolation.access import S3, TRUSTED, Access, access_of, policy, workload_of
from groundplan_runtime.isolation.limits import Limits, threads
from groundplan_runtime.isolation.online_user import online_user
from groundplan_runtime.jobs.document import VARIABLE as JOB

#: What a run sees of our environment: nothing that names a secret or another service. The last three are marks by
#: which the target finds the processes of a stack.
PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", JOB, "SPT_NOENV", "GROUNDPLAN_FOLDER", "GROUNDPLAN_SERVICE")
COMMAND = (sys.executable, "-m", "groundplan_runtime.isolation.enter")


@dataclass(frozen=True)
class Run:
    """A run before it starts: its folder and environment."""

    folder: Path
    environment: dict[str, str]


def main() -> int:
    """Run the job of this process's document. Returns its exit code: 1 when it was ended for a limit."""
    # Ray asks with SIGTERM, and does not ask twice: the run is ended, and its folder goes.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    runtime = Runtime.load()
    runtime.apply_environment()
    document = json.loads(os.environ[JOB])
    limits = Limits.of(document.get("resources") or {})
    storage.delete(document["result_uri"])  # of an attempt before this one
    with prepared(runtime, document, limits) as run:
        ended = watch.run(COMMAND, run.environment, str(run.folder), limits)
    told = f"used {ended.peak_mb:,} of {limits.memory_mb:,} MB and {ended.seconds:.0f} s"
    print(f"GROUNDPLAN {document['name']}: {told}", flush=True)  # noqa: T201
    if ended.exceeded is None:
        return _code(ended.code)
    _report(document, _problem(document, limits, ended))
    return 1


@contextlib.contextmanager
def prepared(runtime: Runtime, document: Mapping[str, Any], limits: Limits) -> Iterator[Run]:
    """Yield a run with its folder, its keys and its environment; the folder goes afterwards."""
    with folder.of_run(runtime) as place, contextlib.ExitStack() as stack:
        if document["job"] in TRUSTED:
            keep = {"cpus": limits.cpus, "read": [], "write": [], "ports": None}
            yield Run(place, {**os.environ, **threads(limits.cpus), enter.VARIABLE: _kept(place, keep)})
            return
        access = access_of(document, runtime.bucket)
        role = runtime.roles.get(workload_of(document))
        keys = partial(credentials.of_run, runtime, f"run-{place.name}", policy(access), limits.seconds, role)
        given = keys()
        if "online_store" in access.services:
            user = online_user(runtime, document["project"], f"run-{place.name}")
            given = given | stack.enter_context(user)
        own = folder.write_runtime(runtime, place, access, given, _registry(document))
        if role and given:
            stack.enter_context(credentials.renewed(place / "secrets" / credentials.FILE, keys))
        keep = {"cpus": limits.cpus, **_files(place, access), "ports": _ports(runtime, access)}
        passed = {name: os.environ[name] for name in PASSED if name in os.environ}
        at_home = dict.fromkeys(("HOME", "TMPDIR"), str(place))
        yield Run(
            place,
            {**passed, **threads(limits.cpus), **at_home, VARIABLE: str(own), enter.VARIABLE: _kept(place, keep)},
        )


def _kept(place: Path, keep: Mapping[str, Any]) -> str:
    file = place / "keep.json"
    file.write_text(json.dumps(keep))
    return str(file)


def _files(place: Path, access: Access) -> dict[str, list[str]]:
    """Return the paths that a run reads and writes: its folder, and objects that are plain files."""
    read = [uri for uri in access.read if not uri.startswith(S3)]
    write = [str(Path(uri).parent) for uri in access.write if not uri.startswith(S3)]
    return {"read": read, "write": [str(place), *write]}


def _ports(runtime: Runtime, access: Access) -> list[int]:
    named = (runtime.endpoints[name] for name in access.services if name in runtime.endpoints)
    found = (urlsplit(each if "//" in each else f"//{each}").port for each in named)
    return [port for port in found if port]


def _registry(document: Mapping[str, Any]) -> bytes | None:
    """Return the project's Feast registry as it was when the job was made; None where the job asks for none."""
    uri = document.get("registry_uri")
    return storage.read_bytes(uri) if uri else None


def _problem(document: Mapping[str, Any], limits: Limits, ended: watch.Ended) -> RuntimeProblem:
    declared = (document.get("resources") or {}).get("path") or "resources"
    path = f"{declared}.{ended.exceeded}"
    if ended.exceeded == "timeout":
        value, allowed = f"{ended.seconds:.0f} s", limits.timeout
        what, fix = "took longer than it may and was ended", "raise it there, or do less"
    else:
        value, allowed = f"{ended.peak_mb} MB", f"{limits.memory_mb} MB"
        what, fix = "used more memory than it may and was ended", "raise it there, or hold less at once"
    return RuntimeProblem(what, path=path, value=value, allowed=allowed, fix=fix)


def _report(document: Mapping[str, Any], problem: RuntimeProblem) -> None:
    print(problem, file=sys.stderr)  # noqa: T201
    storage.write_json(document["result_uri"], {"error": problem.as_dict()})


def _code(code: int) -> int:
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    print(f"the run was ended by {name}: out of memory on this machine, or by hand", file=sys.stderr)  # noqa: T201
    return 128 - code
