"""Runs kept apart, as real processes: limits by exceeding them, files and ports by reaching for them."""

import json
import os
import signal
import socket
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from groundplan_runtime.isolation import landlock
from groundplan_runtime.isolation.access import access_of, policy
from groundplan_runtime.isolation.limits import Limits

needs_landlock = pytest.mark.skipif(landlock.version() < 4, reason="this kernel has no Landlock with ports")
TABLE = "pd.DataFrame({'a': [1, 2]})"
DEADLINE = 120


class Case:
    """A job that runs a project's own function; what it did, and what it left."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        secrets = self.data / "secrets"
        secrets.mkdir(parents=True)
        for name in ("database-admin", "controlplane-token", "mlflow-token"):
            (secrets / name).write_text(f"the {name}")
        (folder / "out").mkdir()
        document = {"stack": "t", "stack_id": "t", "bucket": "b", "data_dir": str(self.data)}
        document |= {"secrets_dir": str(secrets), "endpoints": {"database": "127.0.0.1:1"}}
        (self.data / "runtime.json").write_text(json.dumps(document))
        self.result = folder / "out" / "result.json"

    def start(self, body: str, **resources: Any) -> "subprocess.Popen[str]":
        """Start the job; ``body`` are the lines of the function, which returns a frame."""
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        with zipfile.ZipFile(self.folder / "code.zip", "w") as archive:
            archive.writestr("s.py", f"import pandas as pd\ndef load():\n{lines}\n    return {TABLE}\n")
        document = {
            "job": "ingest", "project": "p", "name": "s", "digest": "d", "code_uri": str(self.folder / "code.zip"),
            "properties": {"kind": "python", "python": "s.py:load", "fields": {"a": "int64"}},
            "output_uri": str(self.folder / "out" / "s.parquet"), "result_uri": str(self.result),
            "resources": {"path": "data_sources.s.resources", **resources},
        }  # fmt: skip
        environment = {**os.environ, "GROUNDPLAN_RUNTIME": str(self.data / "runtime.json")}
        environment |= {"GROUNDPLAN_JOB": json.dumps(document), "PGPASSFILE": "/secret", "SOME_TOKEN": "secret"}
        return subprocess.Popen(
            [sys.executable, "-m", "groundplan_runtime.jobs"], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def run(self, body: str, **resources: Any) -> tuple[int, str, Any]:
        """Run it to its end: exit code, what it wrote, its result."""
        process = self.start(body, **resources)
        told, _ = process.communicate(timeout=DEADLINE)
        return process.returncode, told, json.loads(self.result.read_text()) if self.result.exists() else None

    def left(self) -> list[str]:
        """What is left of runs: folders, and processes that know them."""
        folders = [each.name for each in (self.data / "runs").glob("*-*")]
        mark = str(self.folder)
        return folders + [str(each.pid) for each in psutil.process_iter() if mark in _environment(each)]


def _environment(process: psutil.Process) -> str:
    try:
        return "" if process.pid == os.getpid() else " ".join(process.environ().values())
    except psutil.Error:
        return ""


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    made = Case(tmp_path)
    yield made
    assert made.left() == []


def test_a_run_within_its_limits_makes_what_it_is_for(case: Case) -> None:
    code, told, result = case.run("")
    assert code == 0, told
    assert result["rows"] == 2
    assert "MB" in told.splitlines()[-1]


def test_memory_over_the_limit_ends_all_of_the_run_with_one_line(case: Case) -> None:
    body = "import subprocess, sys, time\nhungry = 'x = b\"x\" * 400_000_000; import time; time.sleep(600)'\n"
    body += "subprocess.Popen([sys.executable, '-c', hungry], start_new_session=True)\ntime.sleep(600)"
    code, told, result = case.run(body, memory_mb=350)
    assert code == 1, told
    error = result["error"]
    assert error["path"] == "data_sources.s.resources.memory_mb"
    assert error["allowed"] == "350 MB"
    assert int(error["value"].split()[0]) > 350
    assert error["fix"]


def test_time_over_the_limit_ends_all_of_the_run_with_one_line(case: Case) -> None:
    code, told, result = case.run("import time\ntime.sleep(600)", timeout="4s")
    assert code == 1, told
    assert (result["error"]["path"], result["error"]["allowed"]) == ("data_sources.s.resources.timeout", "4s")


@pytest.mark.parametrize("number", ["TERM", "KILL"])
def test_a_keeper_that_is_ended_takes_its_run_with_it(case: Case, number: str) -> None:
    process = case.start(
        f"import pathlib, time\npathlib.Path({str(case.folder / 'out' / 'up')!r}).touch()\ntime.sleep(600)"
    )
    waiter = psutil.Process(process.pid)
    for _ in range(DEADLINE * 10):
        if (case.folder / "out" / "up").exists():
            break
        psutil.wait_procs([waiter], timeout=0.1)
    below = waiter.children(recursive=True)
    assert below
    waiter.send_signal(signal.Signals[f"SIG{number}"])
    process.communicate(timeout=DEADLINE)
    _, alive = psutil.wait_procs(below, timeout=10)
    assert alive == []
    if number == "KILL":  # the next run clears what it could not
        assert case.run("")[0] == 0


def test_processes_of_its_own_work_as_ever(case: Case) -> None:
    body = "import multiprocessing as mp\nwith mp.get_context('fork').Pool(2) as pool:\n"
    body += "    print('HAS', pool.map(abs, [-1, -2]))"
    _, told, _ = case.run(body)
    assert "HAS [1, 2]" in told


def test_threads_and_cpus_are_those_that_were_given(case: Case) -> None:
    _, told, _ = case.run(
        "import os\nprint('HAS', len(os.sched_getaffinity(0)), os.environ['OMP_NUM_THREADS'])", cpus=1
    )
    assert "HAS 1 1" in told


def test_its_environment_holds_no_secret_and_names_none(case: Case) -> None:
    _, told, _ = case.run("import os\nprint('HAS', sorted(os.environ))")
    has = next(line for line in told.splitlines() if line.startswith("HAS"))
    assert "PGPASSFILE" not in has
    assert "SOME_TOKEN" not in has


@needs_landlock
@pytest.mark.parametrize(
    "reach",
    [
        "open({secrets!r} + '/database-admin').read()",
        "__import__('os').listdir({secrets!r})",
        "open({data!r} + '/runtime.json').read()",
        "open(__import__('os').path.expanduser('~root') + '/.bashrc').read()",
        "open({out!r} + '/../beside', 'w')",
        "open('/proc/%d/environ' % {pid}).read()",
        "open('/proc/%d/root' % {pid} + {secrets!r} + '/database-admin').read()",
        "__import__('socket').create_connection(('127.0.0.1', {port}), 2)",
        "__import__('socket').socket(__import__('socket').AF_UNIX)",
        "__import__('os').kill({pid}, 0)",
        "__import__('subprocess').run(['cat', {secrets!r} + '/database-admin'], check=True)",
    ],
)  # fmt: skip
def test_what_is_not_its_own_is_out_of_reach(case: Case, reach: str) -> None:
    (Path.home() / ".bashrc").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        names = {"secrets": str(case.data / "secrets"), "data": str(case.data), "out": str(case.folder / "out")}
        words = reach.format(**names, pid=os.getpid(), port=server.getsockname()[1])
        body = f"try:\n    {words}\nexcept Exception as error:\n    print('KEPT', type(error).__name__)"
        code, told, _ = case.run(f"{body}\nelse:\n    print('REACHED')")
    assert "REACHED" not in told
    assert "KEPT" in told, told
    assert code == 0


def test_a_runs_rights_are_its_documents_objects_and_no_more() -> None:
    document = {
        "job": "train", "project": "p", "properties": {}, "result_uri": "s3://b/results/r.json",
        "output_uri": "s3://b/results/r.holdout.parquet", "code_uri": "s3://b/code/p/1.zip",
        "inputs": {"s": {"uri": "s3://b/raw/p/s/1.parquet"}},
    }  # fmt: skip
    access = access_of(document, "b")
    assert access.services == ("objects", "mlflow")
    assert access.secrets == ("mlflow-token",)
    read, write = policy(access)["Statement"]
    assert read["Resource"] == ["arn:aws:s3:::b/code/p/1.zip", "arn:aws:s3:::b/raw/p/s/1.parquet"]
    assert write["Resource"] == ["arn:aws:s3:::b/results/r.json", "arn:aws:s3:::b/results/r.holdout.parquet"]
    assert "s3:DeleteObject" not in write["Action"]


@pytest.mark.parametrize(("job", "given", "read"), [
    ("ingest", {"properties": {"path": "s3://elsewhere/x.csv"}}, ["s3://elsewhere/x.csv"]),
    ("ingest", {"properties": {"path": "s3://b/raw/other/s/1.parquet"}}, []),
    ("ingest", {"properties": {"path": "s3://b-kept/audit/1.json"}}, []),
    ("ingest", {"properties": {"path": "s3://b*/raw/other/s/1.parquet"}}, []),
    ("ingest", {"properties": {"path": "s3://elsewhere/?"}}, []),
    ("train", {"properties": {"hyperparameters": {"x": "s3://b/raw/other/s/1.parquet", "a_uri": "/root/.ssh"}}}, []),
    ("evaluate", {"properties": {}, "requests": [[{"k": "s3://b/raw/other/s/1.parquet"}]]}, []),
    ("skew", {"properties": {"views": {"v": {"uri": "s3://b/features/p/v/1.parquet"}}}},
     ["s3://b/features/p/v/1.parquet"]),
])  # fmt: skip
def test_what_people_write_names_no_object_to_read(job: str, given: dict[str, Any], read: list[str]) -> None:
    document = {"job": job, "project": "p", "result_uri": "s3://b/results/r.json", **given}
    assert list(access_of(document, "b").read) == read


def test_limits_are_read_with_what_is_not_said() -> None:
    assert Limits.of({}).seconds == 1800
    assert Limits.of({"cpus": 2, "memory_mb": 512, "timeout": "2h"}) == Limits(2, 512, "2h", 7200)
