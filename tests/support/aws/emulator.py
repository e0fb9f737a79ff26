"""An emulator of AWS on a free port of this machine, alone: it ends with the test that started it."""

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.aws.apart import MINISTACK, ensure_program

PROGRAM = Path(__file__).with_name("emulated")
ACCOUNT, REGION = "000000000000", "eu-central-1"
START_SECONDS = 240


@contextmanager
def emulator(folder: Path) -> Iterator[str]:
    """Yield its address. What it says is in ``folder/emulator.log``."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    # Without a container engine: it then keeps records of databases and clusters, and starts none.
    mine = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "MINISTACK_REGION": REGION, "TMPDIR": str(folder),
            "DOCKER_HOST": f"unix://{folder}/no-docker.sock"}  # fmt: skip
    python = ensure_program(MINISTACK).with_name("python")
    with (folder / "emulator.log").open("w") as log:
        process = subprocess.Popen(
            [str(python), str(PROGRAM)], cwd=folder, env=_bare() | mine, stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _wait(process, url, folder)
            yield url
        finally:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=20)


def credentials(url: str) -> Mapping[str, str]:
    """The environment in which the provider, and boto3, speak to the emulator and to nobody else."""
    return {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def _wait(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            httpx.get(f"{url}/_ministack/health", timeout=5)
            return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"the emulator did not start: {(folder / 'emulator.log').read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LOCALSTACK"))}
