"""``groundplan logs``."""

import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import typer

from groundplan.cli._app import ENV_OPTION, command_app
from groundplan.cli._checkout import open_checkout
from groundplan.cli._console import print_line
from groundplan.cli._platform import open_platform
from groundplan.errors import GroundplanError

app = command_app()
POLL_SECONDS = 0.2


@app.command(epilog="groundplan logs mlflow · groundplan logs ray -f · groundplan logs controlplane -n 1000")
def logs(
    service: str = typer.Argument(..., metavar="SERVICE", help="A service, as `groundplan status` names it."),
    follow: bool = typer.Option(False, "-f", "--follow", help="Go on with what is written from now on."),
    lines: int = typer.Option(100, "-n", "--lines", min=0, help="How many of the last lines."),
    env: str = ENV_OPTION,
) -> None:
    """What a service wrote."""
    platform = open_platform(open_checkout(env))
    if not platform.local:
        name = service.replace("_", "-")
        there = f"kubectl --namespace {platform.namespace} logs --prefix -l app.kubernetes.io/name={name}"
        raise GroundplanError(f"what services of {env!r} write is in their cluster; fix: {there}")
    file = _log(platform.data / "logs", service, env)
    with file.open(errors="replace") as stream:
        for line in deque(stream, maxlen=lines):
            print_line(line.rstrip("\n"))
        position = stream.tell()
    if follow:
        try:
            for line in _new_lines(file, position):
                print_line(line)
        except KeyboardInterrupt:
            return


def _log(folder: Path, service: str, env: str) -> Path:
    known = sorted(path.stem for path in folder.glob("*.log"))
    if service not in known:
        there = (
            f"there is: {', '.join(known)}" if known else f"nothing is deployed in {env!r}; fix: groundplan up {env}"
        )
        raise GroundplanError(f"no log of a service {service!r}; {there}")
    return folder / f"{service}.log"


def _new_lines(file: Path, position: int) -> Iterator[str]:
    """Lines written after ``position``, for ever; a log that was rotated is read from its start."""
    while True:
        if file.exists() and file.stat().st_size < position:
            position = 0
        with file.open("rb") as stream:
            stream.seek(position)
            while (line := stream.readline()).endswith(b"\n"):
                position = stream.tell()
                yield line.decode(errors="replace").rstrip("\n")
        time.sleep(POLL_SECONDS)
