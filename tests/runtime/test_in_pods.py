"""What a container of ours does in a pod, as processes: secrets, addresses, the data services, backup and restore.

The same programs, arguments and files as in the pods that ``groundplan_components.kubernetes`` declares; what differs
is that names of services are this machine's address.
"""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config

from tests.support.pods import LAUNCH, SECRETS, Pods, free_ports, until

pytestmark = [pytest.mark.enable_socket, pytest.mark.slow]


@pytest.fixture(scope="module")
def pods(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pods]:
    found = Pods.of(tmp_path_factory.mktemp("pod"))
    yield found
    found.end()


@pytest.fixture(scope="module")
def database(pods: Pods) -> Pods:
    pods.start_database()
    return pods


@pytest.fixture(scope="module")
def objects(pods: Pods) -> Pods:
    pods.start_objects()
    return pods


def connect(pods: Pods, role: str, password: str, database: str) -> Any:
    """A connection from elsewhere."""
    return psycopg.connect(
        host=pods.address, port=pods.ports["database"], user=role, password=password, dbname=database
    )


def test_secrets_are_files_that_only_their_user_may_read(pods: Pods) -> None:
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in pods.runtime.secrets_dir.iterdir()}
    assert found == dict.fromkeys([*SECRETS, "pgpass", "aws-credentials"], 0o600)
    lines = (pods.runtime.secrets_dir / "pgpass").read_text().splitlines()
    assert f"{pods.address}:{pods.ports['database']}:*:postgres:first\\:password" in lines
    assert f"127.0.0.1:{pods.ports['database']}:*:mlflow:m" in lines


def test_without_its_mount_a_pod_says_so_in_one_line(pods: Pods) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "groundplan_runtime.pod"],
        env={**pods.environment, "GROUNDPLAN_SEALED": "/nowhere"}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == "error: GROUNDPLAN_SEALED: no such folder; got /nowhere; fix: mount the secrets there\n"


def test_other_pods_reach_the_database_with_their_password_only(database: Pods) -> None:
    with connect(database, "controlplane", "controlplane-password", "controlplane") as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(database, "controlplane", "guessed", "controlplane")
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        connect(database, "controlplane", "controlplane-password", "mlflow")


def test_what_is_saved_comes_back(database: Pods, objects: Pods) -> None:
    folder = database.root / "backup"
    s3 = _client(database)
    with connect(database, "controlplane", "controlplane-password", "controlplane") as connection:
        connection.execute("CREATE TABLE pairs (n int)")
        connection.execute("INSERT INTO pairs VALUES (7)")
    s3.put_object(Bucket="groundplan", Key="raw/a/b.parquet", Body=b"seven")
    s3.put_object(Bucket="groundplan", Key="raw/a", Body=b"also a folder's name")
    _saved(database, folder)
    with connect(database, "controlplane", "controlplane-password", "controlplane") as connection:
        connection.execute("UPDATE pairs SET n = 8")
    s3.put_object(Bucket="groundplan", Key="raw/a/b.parquet", Body=b"eight")
    s3.delete_object(Bucket="groundplan", Key="raw/a")
    assert database.run("groundplan.backup.database", "restore", str(folder)).returncode == 0
    assert database.run("groundplan.backup.objects", "restore", str(folder)).returncode == 0
    with connect(database, "controlplane", "controlplane-password", "controlplane") as connection:
        assert connection.execute("SELECT n FROM pairs").fetchone() == (7,)
    assert s3.get_object(Bucket="groundplan", Key="raw/a/b.parquet")["Body"].read() == b"seven"
    assert s3.get_object(Bucket="groundplan", Key="raw/a")["Body"].read() == b"also a folder's name"


def test_a_second_backup_costs_what_has_changed_and_old_ones_go(database: Pods, objects: Pods) -> None:
    folder = database.root / "second"
    s3 = _client(database)
    s3.put_object(Bucket="groundplan", Key="same", Body=b"x" * 1000)
    _saved(database, folder, keep=2)
    s3.put_object(Bucket="groundplan", Key="changed", Body=b"y")
    until(lambda: _saved(database, folder, keep=2) is None and len(list(folder.glob("2*"))) == 2)
    files = [path for path in sorted(folder.glob("2*/objects/*/*")) if path.stat().st_size == 1000]
    assert len({path.stat().st_ino for path in files}) == 1
    until(lambda: _saved(database, folder, keep=2) is None and len(list(folder.glob("2*"))) == 2)


def _saved(pods: Pods, folder: Path, keep: int = 7) -> None:
    done = pods.run("groundplan.backup.database", "save", str(folder))
    assert done.returncode == 0, done.stderr
    done = pods.run("groundplan.backup.objects", "save", str(folder), f"keep={keep}")
    assert done.returncode == 0, done.stderr


def test_a_backup_that_is_not_there_is_one_line(database: Pods, objects: Pods) -> None:
    done = database.run("groundplan.backup.database", "restore", str(database.root / "none"))
    assert done.returncode == 1
    assert done.stderr.startswith("error: no backup 'latest' in ")
    assert done.stderr.count("\n") == 1


def test_a_new_password_is_taken_when_the_pod_starts_anew(pods: Pods, database: Pods) -> None:
    """Last: it changes the administrator's password, on the same volume."""
    second = Pods(pods.root, {**pods.ports, **free_ports(["database"])}, pods.address)
    second.mount(database__admin="second")
    assert second.run("groundplan_runtime.pod").returncode == 0
    _stop_database(pods)
    second.start(f"{LAUNCH}.postgres", *second.named("database"))
    try:
        until(lambda: second.run(f"{LAUNCH}.probe", "database").returncode == 0)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(second, "postgres", "first:password", "postgres")
    finally:
        second.end()


def _stop_database(pods: Pods) -> None:
    file = pods.root / "data" / "database" / "pg" / "postmaster.pid"
    os.kill(int(file.read_text().splitlines()[0]), 2)
    until(lambda: not file.exists())


def _client(pods: Pods) -> Any:
    keys = {"aws_access_key_id": "access", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    where = pods.runtime.endpoint("objects")
    return boto3.client("s3", endpoint_url=where, config=Config(s3={"addressing_style": "path"}), **keys)
