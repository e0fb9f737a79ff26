"""Pulumi's official release, where its site can be reached. An air-gapped machine is told so in seconds."""

import platform
import tarfile
from pathlib import Path

import httpx

from groundplan.errors import ToolError

SITE = "https://get.pulumi.com/releases/sdk"
CONNECT_SECONDS = 4.0
MACHINES = {"x86_64": "x64", "amd64": "x64", "aarch64": "arm64", "arm64": "arm64"}


def release_url(version: str) -> str:
    """Address of the release for this machine; :class:`ToolError` where there is none."""
    machine = MACHINES.get(platform.machine().lower())
    system = platform.system().lower()
    if machine is None or system not in ("linux", "darwin"):
        raise ToolError(f"no official Pulumi release for {system} on {platform.machine()}")
    return f"{SITE}/pulumi-v{version}-{system}-{machine}.tar.gz"


def download(version: str, folder: Path, transport: httpx.BaseTransport | None = None) -> None:
    """Put the programs of the release into ``folder``; :class:`ToolError` when the site cannot be reached."""
    archive = folder.parent / f"{folder.name}.tar.gz"
    try:
        _fetch(release_url(version), archive, transport)
        with tarfile.open(archive) as tar:
            tar.extractall(folder.parent, filter="data")
    except (httpx.HTTPError, tarfile.TarError) as error:
        raise ToolError(f"the official release cannot be had ({error or type(error).__name__})") from error
    finally:
        archive.unlink(missing_ok=True)
    folder.rmdir()
    (folder.parent / "pulumi").rename(folder)


def _fetch(url: str, target: Path, transport: httpx.BaseTransport | None) -> None:
    timeout = httpx.Timeout(60.0, connect=CONNECT_SECONDS)
    client = httpx.Client(transport=transport, timeout=timeout, follow_redirects=True)
    with client, client.stream("GET", url) as answer, target.open("wb") as file:
        answer.raise_for_status()
        for chunk in answer.iter_bytes():
            file.write(chunk)
